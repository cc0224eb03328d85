"""What `mlver log` prints."""

from __future__ import annotations

from mlver.features.looking.log_result import LogEvent, LogHolder, LogResult, LogRule
from mlver.terminal.links import draw_faults
from mlver.terminal.screen import Cell, Part, Style, TextScreen
from mlver.terminal.words import format_author, format_count, format_time, take_first_line

_EMPTY = "(empty)"


def draw_log(result: LogResult, screen: TextScreen) -> None:
    if result.at is not None:
        _draw_holders(result, screen)
        return
    if not result.total and not result.faults:
        screen.draw_line("nothing has happened yet")
    timed_rows: list[tuple[str, list[Cell]]] = []
    for event in result.events:
        timed_rows.append((event.created, _format_event_row(event)))
    for rule in result.rules:
        timed_rows.append((rule.created, _format_rule_row(rule)))
    if result.rules:
        timed_rows.sort(key=lambda timed_row: timed_row[0], reverse=True)
    screen.draw_table([row for _, row in timed_rows], fold=4)
    draw_faults(result.faults, screen)
    older_count = result.total - len(result.events)
    if older_count:
        count = format_count(older_count, "older event")
        screen.draw_line((f"{count}: add --limit {result.total}", "dim"))


_EVENT_STYLES: dict[str, Style] = {"promoted": "good", "rolled back": "bad", "retired": "warn"}


def _format_event_row(event: LogEvent) -> list[Cell]:
    event_parts: list[Part] = [(event.event, _EVENT_STYLES.get(event.event, "plain"))]
    if event.forced:
        event_parts.append((" by force", "warn"))
    if event.seal == "unsealed":
        event_parts.append((" unsealed", "warn"))
    elif event.seal == "before seals":
        event_parts.append((" before seals", "dim"))
    return [
        (format_time(event.created), "dim"),
        (f"{event.model} {event.version}", "name"),
        event_parts,
        _describe_move(event),
        _describe_source(event),
    ]


def _format_rule_row(rule: LogRule) -> list[Cell]:
    words = "stricter"
    if rule.loosened:
        words = f"looser: {'; '.join(rule.loosened)}"
    source: list[Part] = [
        words,
        (f"  {format_author(rule.author)}", "dim"),
        (f"  {rule.commit[:10]}", "dim"),
    ]
    event: Cell = ("rule changed", "warn" if rule.loosened else "plain")
    return [(format_time(rule.created), "dim"), "", event, rule.stage, source]


def _describe_move(event: LogEvent) -> str:
    if event.event == "approved":
        return f"for {event.stage}"
    if not event.stage:
        return ""
    before = event.previous or _EMPTY
    after = _EMPTY if event.event == "retired" else event.version
    return f"{event.stage}: {before} → {after}"


def _describe_source(move: LogEvent | LogHolder) -> list[Part]:
    """Describe why and by whom it was done, and the commit that holds it."""
    author = move.author or ""
    parts: list[Part] = [take_first_line(move.message or ""), (f"  {format_author(author)}", "dim")]
    if move.unconfirmed:
        parts.append((" (unconfirmed)", "warn"))
    if move.commit is None:
        parts.append(("  not committed", "warn"))
        return parts
    parts.append((f"  {move.commit[:10]}", "dim"))
    if move.committer is not None and move.committer != author:
        parts.append((f" by {format_author(move.committer)}", "warn"))
    return parts


def _draw_holders(result: LogResult, screen: TextScreen) -> None:
    assert result.at is not None
    if not result.holders:
        screen.draw_line("no stage was ever moved")
    else:
        start, end = (format_time(moment) for moment in (result.at.start, result.at.end))
        screen.draw_line(("held", "bold"), f"  from {start} to {end} UTC")
    table_rows = map(_format_holder_row, result.holders)
    screen.draw_table(table_rows, indent=2, fold=3)
    draw_faults(result.faults, screen)


def _format_holder_row(holder: LogHolder) -> list[Cell]:
    name: Cell = (f"{holder.model} {holder.stage}", "name")
    if holder.since is None:
        return [name, _EMPTY, "", ""]
    period = f"since {format_time(holder.since)}"
    if holder.until is not None:
        period = f"{format_time(holder.since)} – {format_time(holder.until)}"
    shown_version: Cell = (holder.version or _EMPTY, "bold")
    return [name, shown_version, (period, "dim"), _describe_source(holder)]
