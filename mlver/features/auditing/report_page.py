"""What `mlver report` writes: Markdown for a ticket or a wiki, or a page of HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mlver.content.chart_svg import escape_text
from mlver.features.auditing.report import (
    ReportedDefect,
    ReportedMove,
    ReportedVersion,
    ReportResult,
)
from mlver.features.auditing.sentences import LIMITS, join_words, tell_rule_change
from mlver.features.auditing.spans import tell_span
from mlver.terminal.markdown import format_table, quote_code
from mlver.terminal.sanitise import printable_name
from mlver.terminal.words import (
    format_count,
    format_number,
    format_signed,
    format_time,
)

# Every report begins with this: by it `mlver report` knows the files that it may replace.
MARK = "<!-- mlver report -->\n"
PageFormat = Literal["markdown", "html"]
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root{{color-scheme:light dark}}
body{{font:15px system-ui,sans-serif;margin:2rem auto;max-width:1000px;padding:0 1rem}}
table{{border-collapse:collapse;font-variant-numeric:tabular-nums}}
th,td{{padding:.3rem .8rem;text-align:left;border-bottom:1px solid #8886;vertical-align:top}}
div{{overflow-x:auto}}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class _PageSection:
    """A part of the page: a table, or a line where there is nothing to tell."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    nothing: str


def build_markdown(result: ReportResult) -> str:
    lines = [MARK + f"# {_quote(_title(result))}", ""]
    for section in _list_sections(result):
        lines += [f"## {section.title}", ""]
        if section.rows:
            rows = [[_quote(cell) for cell in row] for row in section.rows]
            lines.append(format_table(section.headers, rows, most=len(rows)))
        else:
            lines.append(section.nothing)
        lines.append("")
    lines += [f"{_tell_audit(result)}", "", LIMITS, ""]
    return "\n".join(lines)


def build_html(result: ReportResult) -> str:
    parts: list[str] = []
    for section in _list_sections(result):
        parts.append(f"<h2>{_escape(section.title)}</h2>")
        if section.rows:
            parts.append(_build_table(section))
        else:
            parts.append(f"<p>{_escape(section.nothing)}</p>")
    parts.append(f"<p>{_escape(_tell_audit(result))}</p>")
    parts.append(f"<p>{_escape(LIMITS)}</p>")
    return MARK + _PAGE.format(title=_escape(_title(result)), body="\n".join(parts))


def _build_table(section: _PageSection) -> str:
    headers = _join_cells("th", section.headers)
    rows = "\n".join(f"<tr>{_join_cells('td', row)}</tr>" for row in section.rows)
    return f"<div><table><thead><tr>{headers}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"


def _join_cells(tag: str, cells: Sequence[str]) -> str:
    return "".join(f"<{tag}>{_escape(cell)}</{tag}>" for cell in cells)


def _escape(text: str) -> str:
    return escape_text(printable_name(text))


def _quote(text: str) -> str:
    return quote_code(text, len(text)) if text else ""


def _title(result: ReportResult) -> str:
    return f"{result.model}: {format_time(result.since)} to {format_time(result.until)} UTC"


def _tell_audit(result: ReportResult) -> str:
    found = "nothing is damaged"
    if result.damage:
        found = f"{format_count(result.damage, 'thing')} damaged"
    if result.unconfirmed:
        found += f", {result.unconfirmed:,} unconfirmed"
    head = "none can be told in this clone" if result.head is None else result.head
    return f"Audit of all of the history: {found}. Audit head: {head}."


# -- sections --------------------------------------------------------------------------------------


def _list_sections(result: ReportResult) -> Iterator[_PageSection]:
    yield _PageSection(
        "Stages", ("stage", "version"), list(result.holders.items()), "No stage is held."
    )
    yield _PageSection(
        "Versions",
        ("version", "time (UTC)", "by", "why", "metrics", "since"),
        [_list_version_cells(version) for version in result.versions],
        "No version was registered.",
    )
    headers = ("stage", "time (UTC)", "from", "to", "by", "why", "marks")
    promotions = [_list_move_cells(move) for move in result.promotions]
    yield _PageSection("Promotions", headers, promotions, "Nothing was promoted.")
    headers = ("stage", "time (UTC)", "from", "which had held it", "to", "by", "why")
    rollbacks = [_list_rollback_cells(move) for move in result.rollbacks]
    yield _PageSection(
        "Rollbacks and emptied stages", headers, rollbacks, "Nothing was rolled back."
    )
    forced = [move for move in (*result.promotions, *result.rollbacks) if move.forced]
    yield _PageSection(
        "Forced",
        ("stage", "time (UTC)", "version", "by", "gates that were shut", "why"),
        [_list_forced_cells(move) for move in forced],
        "No gate was overruled.",
    )
    yield _list_rules(result)
    yield _PageSection(
        "Known defects",
        ("version", "holds", "noted (UTC)", "by", "note"),
        [_list_defect_cells(defect) for defect in result.defects],
        "None is noted.",
    )
    costs = [[version.version, version.cost] for version in result.versions if version.cost]
    yield _PageSection("Training cost", ("version", "cost"), costs, "No run recorded any.")


def _list_defect_cells(defect: ReportedDefect) -> list[str]:
    return [
        defect.version,
        ", ".join(defect.stages),
        format_time(defect.created),
        defect.author,
        join_words(defect.message),
    ]


def _list_rules(result: ReportResult) -> _PageSection:
    rows = [
        [
            rule.stage,
            format_time(rule.created),
            tell_rule_change(rule),
            rule.author,
            rule.commit[:10],
        ]
        for rule in result.rules
    ]
    headers = ("stage", "time (UTC)", "change", "by", "commit")
    return _PageSection("Rules", headers, rows, "No rule was changed.")


def _list_version_cells(version: ReportedVersion) -> list[str]:
    metrics: list[str] = []
    for metric in version.metrics:
        told = f"{metric.name} {format_number(metric.value)}"
        if metric.gain:
            told += f" ({format_signed(metric.gain)}"
            told += {True: ", better)", False: ", worse)", None: ")"}[metric.better]
        metrics.append(told)
    return [
        version.version,
        format_time(version.created),
        version.author,
        join_words(version.message),
        "; ".join(metrics),
        version.before or "",
    ]


def _name_author(move: ReportedMove) -> str:
    return f"{move.author} (unconfirmed)" if move.unconfirmed else move.author


def _list_move_cells(move: ReportedMove) -> list[str]:
    return [
        move.stage,
        format_time(move.created),
        move.previous or "(empty)",
        move.version,
        _name_author(move),
        join_words(move.message),
        "forced" if move.forced else "",
    ]


def _list_rollback_cells(move: ReportedMove) -> list[str]:
    held = "" if move.held_seconds is None else tell_span(move.held_seconds)
    return [
        move.stage,
        format_time(move.created),
        move.previous or "(empty)",
        held,
        "(empty)" if move.event == "emptied" else move.version,
        _name_author(move),
        join_words(move.message),
    ]


def _list_forced_cells(move: ReportedMove) -> list[str]:
    return [
        move.stage,
        format_time(move.created),
        move.version,
        _name_author(move),
        ", ".join(move.shut),
        join_words(move.message),
    ]


_BUILDERS: dict[str, Callable[[ReportResult], str]] = {
    "markdown": build_markdown,
    "html": build_html,
}


def choose_builder(file: str | None, given: PageFormat | None) -> Callable[[ReportResult], str]:
    """What builds a report in the format that is asked for, or that its file is named after."""
    is_page = file is not None and file.lower().endswith((".html", ".htm"))
    return _BUILDERS[given or ("html" if is_page else "markdown")]
