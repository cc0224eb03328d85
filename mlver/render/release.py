from __future__ import annotations

from mlver.commands.release import ReleaseResult
from mlver.render import sealing
from mlver.render.screen import TextScreen


def draw_release(result: ReleaseResult, screen: TextScreen) -> None:
    sealing.draw_new_seals(result.made, screen, dry_run=result.dry_run)
    verb = "Would push" if result.dry_run else "Pushed"
    for tag in result.pushed:
        screen.draw_line((verb, "bold"), " ", (tag, "name"), (f"  to {result.remote}", "dim"))
    for tag in result.accepted:
        screen.draw_line("Found ", (tag, "name"), (f"  at {result.remote}, which seals the same record", "dim"))
    sealing.draw_refused_records(result.refused, screen)
    if not (result.pushed or result.accepted or result.refused):
        screen.draw_line(f"{result.remote} has a tag of every record on its {result.branch} already")
