"""What note and retire print."""

from __future__ import annotations

from mlver.project.corrections.note import NoteResult
from mlver.project.corrections.retire import RetireResult
from mlver.project.stages.empty import EmptyResult
from mlver.terminal.links import draw_hints
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import Part, TextScreen


def draw_note(result: NoteResult, screen: TextScreen) -> None:
    version: Part = (f"{result.model} {result.version}", "name")
    if result.outcome == "already":
        screen.draw_line("note ", str(result.sequence), " on ", version, " already says this")
        return
    verb = "Would note" if result.dry_run else "Noted"
    screen.draw_line((verb, "bold"), " on ", version, f"  (note {result.sequence})")
    for message_line in clean_lines(result.message):
        screen.draw_line("  ", message_line, hang=2)


def draw_retire(result: RetireResult, screen: TextScreen) -> None:
    version: Part = (f"{result.model} {result.version}", "name")
    if result.outcome == "already":
        state = "retired" if result.action == "retire" else "restored"
        screen.draw_line(version, f" is {state} already (record {result.sequence})")
    else:
        verb = result.outcome.capitalize()
        if result.dry_run:
            verb = "Would retire" if result.outcome == "retired" else "Would restore"
        instead = f"; use {result.in_favour_of} instead" if result.in_favour_of else ""
        screen.draw_line((verb, "bold"), " ", version, instead)
    for stage in result.stages:
        screen.draw_line(("It still holds ", "bad"), (stage, "bold"), hang=2)
    draw_hints(result.hints, screen)


def draw_empty(result: EmptyResult, screen: TextScreen) -> None:
    if result.outcome == "already":
        screen.draw_line(f"no version of {result.model} holds {result.stage}; nothing changed")
        return
    verb = "Would empty" if result.dry_run else "Emptied"
    stage: Part = (f"{result.model} {result.stage}", "name")
    screen.draw_line((verb, "bold"), " ", stage, f" (was {result.version})")
