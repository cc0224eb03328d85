"""Findings, one below the other: what kind, which file or name, what is wrong with it and what to
type.

Neighbours that share their hints show them once, after the last; of many neighbours only the first
few are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from mlver.findings import Finding
from mlver.terminal.screen import Part, Style, TextScreen

_SHOWN = 10


def draw_findings(findings: Sequence[Finding], screen: TextScreen, style: Style = "bad") -> None:
    kind_width = max((len(finding.kind) for finding in findings), default=0)
    indent = kind_width + 4
    neighbours = groupby(findings, key=lambda finding: (finding.kind, finding.hints))
    for (kind, hints), neighbour_group in neighbours:
        alike = list(neighbour_group)
        for finding in alike[:_SHOWN]:
            shown_kind: Part = (kind.ljust(kind_width), style)
            subject: Part = (finding.subject, "bold")
            message = f" {finding.message}"
            screen.draw_line("  ", shown_kind, "  ", subject, message, hang=kind_width + 2)
        hidden = len(alike) - _SHOWN
        if hidden > 0:
            screen.draw_line(" " * indent, (f"and {hidden:,} more (--json lists all)", "dim"))
        draw_hints(hints, screen, indent=indent)


def draw_hints(
    hints: Sequence[str], screen: TextScreen, *, indent: int = 0, style: Style = "dim"
) -> None:
    """The commands to type next, one a line."""
    margin = " " * indent
    for hint in hints:
        screen.draw_unbroken(margin, ("hint: ", style), hint)
