"""What `mlver audit --data` prints."""

from __future__ import annotations

from mlver.features.auditing.data_audit import DataAuditResult, DataPurpose
from mlver.project.history.data_uses import DataUse
from mlver.terminal.links import draw_faults
from mlver.terminal.screen import Cell, Style, TextScreen
from mlver.terminal.words import format_time

_WORDS = {
    "live": "may be used for it",
    "ended": "may not be used for it any more",
    "withdrawn": "may not be used for it any more: it was withdrawn",
    "none": "was never allowed",
}


def draw_data_audit(result: DataAuditResult, screen: TextScreen) -> None:
    screen.draw_line((result.name, "name"), f"  {result.data}")
    if not result.purposes:
        screen.draw_line("  nobody ever said here what it may be used for")
    for purpose in result.purposes:
        style: Style = "good" if purpose.standing == "live" else "bad"
        screen.draw_line(
            f"  {purpose.purpose}  ", (_WORDS[purpose.standing], style), _tell(purpose)
        )
    screen.draw_blank_line()
    if not result.uses:
        screen.draw_line("no version here was trained on it")
    rows = [_list_cells(use) for use in result.uses]
    headers = ["version", "trained on it", "holds", "held"]
    screen.draw_table(rows, headers=headers, indent=2, fold=3)
    draw_faults(result.unread, screen)


def _tell(purpose: DataPurpose) -> str:
    if purpose.decided is None:
        return ""
    until = "" if purpose.until is None else f", until {purpose.until}"
    return f"{until}  ({format_time(purpose.decided)} UTC, {purpose.author})"


def _list_cells(use: DataUse) -> list[Cell]:
    how = f"as {', '.join(use.names)}" if use.names else f"through {use.through}"
    return [
        (f"{use.model} {use.version}", "name"),
        how,
        (", ".join(use.stages), "bold"),
        (", ".join(use.held), "dim"),
    ]
