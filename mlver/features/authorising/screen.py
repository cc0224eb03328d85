"""What authorise prints."""

from __future__ import annotations

from mlver.project.authorising.authorise import AuthoriseResult
from mlver.project.history.data_uses import DataUse
from mlver.terminal.links import draw_hidden_count
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import Part, TextScreen
from mlver.terminal.words import format_count, shorten_digests

_SHOWN = 10


def draw_authorise(result: AuthoriseResult, screen: TextScreen) -> None:
    name: Part = (shorten_digests(result.name), "name")
    purposes = f" for {', '.join(result.purposes)}" if result.purposes else ""
    if result.outcome == "already":
        screen.draw_line(
            "record ", str(result.sequence), " of ", name, " already says this", purposes
        )
    else:
        screen.draw_line((_choose_verb(result), "bold"), " ", name, purposes, _describe(result))
        for message_line in clean_lines(result.message):
            screen.draw_line("  ", message_line, hang=2)
    if result.action == "withdraw":
        _draw_uses(result, screen)
    elif result.live:
        screen.draw_line("  may be used for ", (", ".join(result.live), "good"), hang=2)


def _choose_verb(result: AuthoriseResult) -> str:
    if result.outcome == "granted":
        return "Would authorise" if result.dry_run else "Authorised"
    return "Would withdraw" if result.dry_run else "Withdrew"


def _describe(result: AuthoriseResult) -> str:
    told = result.basis.replace("_", " ") if result.basis else ""
    if result.until is not None:
        told = f"{told}, until {result.until}" if told else f"until {result.until}"
    return f"  ({told})" if told else ""


def _draw_uses(result: AuthoriseResult, screen: TextScreen) -> None:
    if result.live:
        screen.draw_line("  may still be used for ", (", ".join(result.live), "good"), hang=2)
    if not result.uses:
        screen.draw_line("  no version here was trained on it")
        return
    count = format_count(len(result.uses), "version")
    verb = "was" if len(result.uses) == 1 else "were"
    screen.draw_line("  ", (f"{count} {verb} trained on it:", "warn"))
    # Those in use come first: they are what somebody has to do something about.
    ordered = sorted(result.uses, key=lambda use: not use.stages)
    for use in ordered[:_SHOWN]:
        _draw_use(use, screen)
    draw_hidden_count(len(ordered) - _SHOWN, screen, indent=4)


def _draw_use(use: DataUse, screen: TextScreen) -> None:
    how = f"  as {', '.join(use.names)}" if use.names else f"  through {use.through}"
    stages: Part = ""
    if use.stages:
        stages = (f"  holds {', '.join(use.stages)}", "bad")
    screen.draw_line("    ", (f"{use.model} {use.version}", "name"), how, stages, hang=4)
