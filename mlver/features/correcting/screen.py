"""What note prints."""

from __future__ import annotations

from mlver.project.corrections.note import NoteResult
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import Part, TextScreen


def draw_note(result: NoteResult, screen: TextScreen) -> None:
    version: Part = (f"{result.model} {result.version}", "name")
    if result.outcome == "already":
        screen.draw_line("note ", str(result.sequence), " on ", version, " says so already")
        return
    verb = "Would note" if result.dry_run else "Noted"
    screen.draw_line((verb, "bold"), " on ", version, f"  (note {result.sequence})")
    for message_line in clean_lines(result.message):
        screen.draw_line("  ", message_line, hang=2)
