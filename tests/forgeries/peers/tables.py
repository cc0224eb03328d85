"""What each tool noticed, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.forgeries.peers.judging import CaseOutcome, ToolReport

KINDS = (
    "edited",
    "inserted",
    "removed",
    "reordered",
    "backdated",
    "invented gates",
    "rule weakened and restored",
    "other author",
)


def format_table(reports: Sequence[ToolReport]) -> Iterator[str]:
    """Format a row for each kind, with a column for each tool."""
    heads = [f"{report.name} {report.version}" for report in reports]
    yield f"| | {' | '.join(heads)} |"
    yield "|---" * (len(reports) + 1) + "|"
    yield f"| what it is for | {' | '.join(report.purpose for report in reports)} |"
    for kind in KINDS:
        cells = [_format_cell(report, kind) for report in reports]
        yield f"| {kind} | {' | '.join(cells)} |"


def _format_cell(report: ToolReport, kind: str) -> str:
    """Say what became of the forgeries of a kind: alike ones together."""
    by_verdict: dict[str, dict[str, None]] = {}
    for outcome in report.outcomes:
        if outcome.kind == kind:
            by_verdict.setdefault(outcome.verdict, {})[outcome.forged] = None
    parts: list[str] = []
    for verdict, names in by_verdict.items():
        parts.append(f"**{verdict}**: {'; '.join(names)}")
    if not parts:
        return f"does not apply: {report.absent[kind]}" if kind in report.absent else "not played"
    return "<br>".join(parts)


def format_cases(reports: Sequence[ToolReport]) -> Iterator[str]:
    """Format a line for each case that was played."""
    yield "| tool | kind | what was forged | how it arrived | outcome |"
    yield "|---|---|---|---|---|"
    for report in reports:
        for outcome in report.outcomes:
            yield _format_case(report.name, outcome)


def _format_case(name: str, outcome: CaseOutcome) -> str:
    cells = (name, outcome.kind, outcome.forged, outcome.arrival, outcome.verdict)
    return f"| {' | '.join(cells)} |"
