"""What `mlver log` prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mlver.features.looking.log_result import (
    LogEvent,
    LoggedDrift,
    LogHolder,
    LogResult,
    LogRule,
    LogShare,
)
from mlver.policy.time_windows import TimeWindow
from mlver.terminal.links import draw_faults
from mlver.terminal.screen import Cell, Part, Style, TextScreen
from mlver.terminal.words import (
    format_author,
    format_count,
    format_number,
    format_second,
    format_time,
    shorten_name,
    take_first_line,
)

_EMPTY = "(empty)"
# At least so much of a message tells something.
_MESSAGE_WIDTH = 16
# Of what an evaluation measured; `show` has all of it.
_METRICS_SHOWN = 3
# Of a holder's row: the column of the commit, which a terminal narrower than that does without.
_COMMIT, _COMMIT_WIDTH = 4, 110


def draw_log(result: LogResult, screen: TextScreen) -> None:
    if result.at is not None:
        _draw_holders(result, screen)
        return
    if not result.total and not result.faults:
        screen.draw_line("nothing has happened yet")
    else:
        _draw_events(result, screen)
    draw_faults(result.faults, screen)
    older_count = result.total - len(result.events)
    if older_count:
        count = format_count(older_count, "older event")
        screen.draw_line((f"{count}: add --limit {result.total}", "dim"))


@dataclass(frozen=True, slots=True)
class _LogColumns:
    """What a line of the log has, beside the version, the event, its author and the message.

    A narrow terminal loses these one after the other, so that each event stays on one line.
    """

    has_commit: bool = True
    has_model: bool = True
    has_whole_names: bool = True
    has_previous: bool = True
    has_clock: bool = True

    @property
    def headers(self) -> list[str]:
        time = "time (UTC)" if self.has_clock else "day (UTC)"
        commit = ["commit"] if self.has_commit else []
        return [time, "version", "event", "stage", "by", *commit, "message"]

    def format_event(self, event: LogEvent) -> list[Cell]:
        event_parts: list[Part] = [(event.event, _EVENT_STYLES.get(event.event, "plain"))]
        if event.forced:
            event_parts.append((" by force", "warn"))
        if event.seal == "unsealed":
            event_parts.append((" unsealed", "warn"))
        elif event.seal == "before seals":
            event_parts.append((" before seals", "dim"))
        return [
            (self.format_time(event.created), "dim"),
            (f"{event.model} {event.version}" if self.has_model else event.version, "name"),
            event_parts,
            self.describe_move(event),
            _describe_author(event, self.format_name),
            *self.list_commit(event.commit),
            _summarise(event),
        ]

    def format_rule(self, rule: LogRule) -> list[Cell]:
        words = "stricter"
        if rule.loosened:
            words = f"looser: {'; '.join(rule.loosened)}"
        event: Cell = ("rule changed", "warn" if rule.loosened else "plain")
        return [
            (self.format_time(rule.created), "dim"),
            "",
            event,
            rule.stage,
            self.format_name(rule.author),
            *self.list_commit(rule.commit),
            words,
        ]

    def format_time(self, created: str) -> str:
        return format_time(created) if self.has_clock else created[: len("2026-01-02")]

    def format_name(self, author: str) -> str:
        name = format_author(author)
        return name if self.has_whole_names else shorten_name(name)

    def list_commit(self, commit: str | None) -> list[Cell]:
        return [((commit or "")[:10], "dim")] if self.has_commit else []

    def describe_move(self, event: LogEvent) -> str:
        if event.event in ("approved", "revoked"):
            return f"for {event.stage}"
        if event.event == "judged":
            return f"on {event.stage}"
        if event.share is not None:
            return f"{event.stage}: {event.share:g} %"
        if not event.stage:
            return ""
        if not self.has_previous:
            return event.stage
        before = event.previous or _EMPTY
        after = _EMPTY if event.event == "emptied" else event.version
        return f"{event.stage}: {before} → {after}"


def _summarise(event: LogEvent) -> str:
    """Why, or of an evaluation first of all what it measured."""
    reason = take_first_line(event.message)
    if event.drift is not None:
        summary = _summarise_drift(event.drift)
        return f"{summary}; {reason}" if reason else summary
    if not event.on:
        return reason
    names = list(event.metrics)[:_METRICS_SHOWN]
    measured = [f"{name} {format_number(event.metrics[name])}" for name in names]
    more = ", …" if len(event.metrics) > len(names) else ""
    summary = f"on {', '.join(event.on)}: {', '.join(measured)}{more}"
    return f"{summary}; {reason}" if reason else summary


def _summarise_drift(drift: LoggedDrift) -> str:
    if not drift.judged:
        return f"nobody could tell whether {drift.data} moved"
    return f"{drift.columns:,} of {format_count(drift.judged, 'column')} of {drift.data} moved"


# From wide to narrow.
_LAYOUTS = (
    _LogColumns(),
    _LogColumns(has_commit=False),
    _LogColumns(has_commit=False, has_model=False),
    _LogColumns(has_commit=False, has_model=False, has_whole_names=False),
    _LogColumns(has_commit=False, has_model=False, has_whole_names=False, has_previous=False),
    _LogColumns(
        has_commit=False,
        has_model=False,
        has_whole_names=False,
        has_previous=False,
        has_clock=False,
    ),
)
_EVENT_STYLES: dict[str, Style] = {
    "promoted": "good",
    "rolled back": "bad",
    "withdrawn": "bad",
    "emptied": "warn",
    "retired": "warn",
}


def _draw_events(result: LogResult, screen: TextScreen) -> None:
    """A line an event or change of a rule, the newest first."""
    columns = _choose_columns(result, screen)
    rows = _format_rows(result, columns)
    screen.draw_table(rows, headers=columns.headers, fold=len(columns.headers) - 1, cut=True)


def _format_rows(result: LogResult, columns: _LogColumns) -> list[list[Cell]]:
    timed_rows: list[tuple[str, list[Cell]]] = []
    for event in result.events:
        timed_rows.append((event.created, columns.format_event(event)))
    for rule in result.rules:
        timed_rows.append((rule.created, columns.format_rule(rule)))
    if result.rules:
        timed_rows.sort(key=lambda timed_row: timed_row[0], reverse=True)
    return [row for _, row in timed_rows]


def _choose_columns(result: LogResult, screen: TextScreen) -> _LogColumns:
    """The most columns beside which a useful part of each message has room."""
    has_models = len({event.model for event in result.events}) > 1
    columns = _LAYOUTS[0]
    for layout in _LAYOUTS:
        # Versions of several models would look alike.
        columns = replace(layout, has_model=layout.has_model or has_models)
        *widths, message_width = screen.measure_columns(
            [columns.headers, *_format_rows(result, columns)]
        )
        if sum(widths) + 2 * len(widths) + min(message_width, _MESSAGE_WIDTH) <= screen.width:
            break
    return columns


def _describe_author(
    move: LogEvent | LogHolder, format_name: Callable[[str], str] = format_author
) -> list[Part]:
    """Who did it, and whoever else committed the record."""
    author = move.author or ""
    parts: list[Part] = [format_name(author)]
    if move.unconfirmed:
        parts.append((" (unconfirmed)", "warn"))
    if move.commit is None:
        parts.append((" (not committed)", "warn"))
    elif move.committer is not None and move.committer != author:
        parts.append((f" (by {format_name(move.committer)})", "warn"))
    return parts


def _draw_holders(result: LogResult, screen: TextScreen) -> None:
    assert result.at is not None
    write_time = _choose_precision(result.at)
    if not result.holders:
        screen.draw_line("no stage was ever moved")
    else:
        start, end = write_time(result.at.start), write_time(result.at.end)
        screen.draw_line(("held", "bold"), f"  from {start} to {end} UTC")
    has_commit = screen.width >= _COMMIT_WIDTH
    table_rows: list[list[Cell]] = []
    for holder in result.holders:
        row = _format_holder_row(holder, write_time)
        if not has_commit:
            del row[_COMMIT]
        table_rows.append(row)
    screen.draw_table(table_rows, indent=2, fold=5 if has_commit else 4)
    _draw_shares(result.shares, write_time, screen)
    draw_faults(result.faults, screen)


def _draw_shares(
    shares: Sequence[LogShare], write_time: Callable[[str], str], screen: TextScreen
) -> None:
    """Draw what candidates had of the traffic; the holder had the rest."""
    if not shares:
        return
    screen.draw_line(("shared with", "bold"))
    table_rows: list[list[Cell]] = []
    for share in shares:
        by_header = f" by {share.header}" if share.header else ""
        table_rows.append(
            [
                (f"{share.model} {share.stage}", "name"),
                (share.version, "bold"),
                f"{share.share:g} % ({share.strategy}{by_header})",
                (_format_period(share.since, share.until, write_time), "dim"),
                format_author(share.author),
                take_first_line(share.message),
            ]
        )
    screen.draw_table(table_rows, indent=2, fold=5)


def _choose_precision(window: TimeWindow) -> Callable[[str], str]:
    """Of a day, minutes are shown; who asks for a moment may have to tell two of one minute."""
    if window.start[10:] == window.end[10:]:
        return format_time
    return format_second


def _format_period(since: str, until: str | None, write_time: Callable[[str], str]) -> str:
    if until is None:
        return f"since {write_time(since)}"
    return f"{write_time(since)} – {write_time(until)}"


def _format_holder_row(holder: LogHolder, write_time: Callable[[str], str]) -> list[Cell]:
    name: Cell = (f"{holder.model} {holder.stage}", "name")
    if holder.since is None:
        return [name, _EMPTY, "", "", "", ""]
    period = _format_period(holder.since, holder.until, write_time)
    shown_version: Cell = (holder.version or _EMPTY, "bold")
    message = take_first_line(holder.message or "")
    commit = (holder.commit or "")[:10]
    author = _describe_author(holder)
    return [name, shown_version, (period, "dim"), author, (commit, "dim"), message]
