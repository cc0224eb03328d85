"""A failure as a person sees it: what happened, and the next command to type."""

from __future__ import annotations

from mlver.errors import InvalidDocument, MlverError, shell_command
from mlver.terminal.links import draw_hints
from mlver.terminal.sanitise import clean_lines
from mlver.terminal.screen import TextScreen


def draw_failure(error: MlverError, screen: TextScreen) -> None:
    first, *rest = clean_lines(error.message)
    screen.draw_line(("error: ", "bad"), first, hang=7)
    for line in rest:
        # what a message quotes may hold a line that looks like a hint: only what starts at the margin is mlver's own
        screen.draw_line(line if line.startswith(" ") else f"  {line}", hang=2)
    draw_hints(error.hints or _suggest_fix(error), screen, style="warn")


def _suggest_fix(error: MlverError) -> tuple[str, ...]:
    """What to do about a file that is not valid: a record is never edited, and anything else can be fixed."""
    if not isinstance(error, InvalidDocument):
        return ()
    if error.where.startswith(".mlver/models/") and not error.where.endswith("/model.yaml"):
        return (shell_command("git", "log", "-p", "--", error.where),)
    return (f"fix {error.where}, then run the command again",)
