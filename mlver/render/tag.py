from __future__ import annotations

from mlver.commands.tag import TagResult
from mlver.render import sealing
from mlver.render.screen import TextScreen
from mlver.render.words import format_count


def draw_tag(result: TagResult, screen: TextScreen) -> None:
    sealing.draw_new_seals(result.made, screen, dry_run=result.dry_run)
    sealing.draw_refused_records(result.refused, screen)
    if not result.made and not result.refused:
        screen.draw_line("every record on HEAD is sealed already")
    if result.remote is not None:
        screen.draw_line(f"pushed {format_count(len(result.pushed), 'tag')} to {result.remote}")
    elif result.made and not result.dry_run:
        screen.draw_unbroken(("next: ", "dim"), "mlver tag --push")
