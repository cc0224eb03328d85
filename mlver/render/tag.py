from __future__ import annotations

from mlver.commands.tag import TagResult
from mlver.render import sealing
from mlver.render.screen import Screen
from mlver.render.words import count


def text(result: TagResult, screen: Screen) -> None:
    sealing.made(result.made, screen, dry_run=result.dry_run)
    sealing.refused(result.refused, screen)
    if not result.made and not result.refused:
        screen.line("every record on HEAD is sealed already")
    if result.remote is not None:
        screen.line(f"pushed {count(len(result.pushed), 'tag')} to {result.remote}")
    elif result.made and not result.dry_run:
        screen.unbroken(("next: ", "dim"), "mlver tag --push")
