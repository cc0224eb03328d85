"""Findings, one below the other: what kind, which file or name, what is wrong with it and what to
type.

Neighbours that share their hints show them once, after the last; of many neighbours only the first
few are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from mlver.errors import BOTH_SIDES, shell_command
from mlver.findings import Finding
from mlver.terminal.screen import Part, Style, TextScreen
from mlver.terminal.words import shorten_digests, take_first_line

_SHOWN = 10


def draw_findings(findings: Sequence[Finding], screen: TextScreen, style: Style = "bad") -> None:
    kind_width = 0
    for finding in findings:
        kind_width = max(kind_width, len(finding.kind))
    indent = kind_width + 4
    neighbours = groupby(findings, key=lambda finding: (finding.kind, finding.hints))
    for (kind, hints), neighbour_group in neighbours:
        alike = list(neighbour_group)
        for finding in alike[:_SHOWN]:
            shown_kind: Part = (kind.ljust(kind_width), style)
            subject: Part = (shorten_digests(finding.subject), "bold")
            message = f" {shorten_digests(finding.message)}"
            screen.draw_line("  ", shown_kind, "  ", subject, message, hang=kind_width + 2)
        draw_hidden_count(len(alike) - _SHOWN, screen, indent=indent)
        draw_hints(hints, screen, indent=indent)


def draw_hidden_count(hidden: int, screen: TextScreen, *, indent: int, noun: str = "") -> None:
    """Say how many of many were not shown; nothing where none was left out."""
    if hidden > 0:
        count = f"and {hidden:,} more{noun}"
        screen.draw_line(" " * indent, (f"{count} (--json lists all)", "dim"))


def draw_faults(faults: Sequence[str], screen: TextScreen, *, indent: int = 0) -> None:
    """Why records cannot be read, the first line of each; `verify` says the rest."""
    margin = " " * indent
    for fault in faults:
        reason = shorten_digests(take_first_line(fault))
        command = choose_remedy(fault, "mlver verify --all")
        screen.draw_line(margin, ("unreadable: ", "bad"), reason, f" ({command})", hang=2)


def choose_remedy(fault: str, usual: str) -> str:
    """The command for a record that cannot be read: in the midst of a merge, not the usual one."""
    return "mlver resolve" if BOTH_SIDES in fault else usual


def draw_empty_registry(screen: TextScreen) -> None:
    """Say that there is no model yet, and how to make one."""
    screen.draw_line("no model is registered here yet")
    screen.draw_next("mlver register MODEL --weights PATH -m WHY")


def draw_followers(targets: Sequence[str], screen: TextScreen) -> None:
    """Name the command by which each target follows: what it serves has not changed yet."""
    for target in targets:
        screen.draw_next(shell_command("mlver", "deploy", target))


def draw_hints(
    hints: Sequence[str], screen: TextScreen, *, indent: int = 0, style: Style = "dim"
) -> None:
    """The commands to type next, one a line."""
    margin = " " * indent
    for hint in hints:
        screen.draw_unbroken(margin, ("hint: ", style), hint)
