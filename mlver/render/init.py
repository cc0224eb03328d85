from __future__ import annotations

from mlver.commands.init import InitResult
from mlver.render.screen import TextScreen


def draw_init(result: InitResult, screen: TextScreen) -> None:
    if not result.created:
        screen.draw_line("mlver is set up here already; nothing changed")
        return
    verb = "Would write" if result.dry_run else "Set up mlver in"
    screen.draw_line((verb, "bold"), " ", result.top)
    for path in result.created:
        screen.draw_line("  ", path)
    if not result.dry_run:
        screen.draw_unbroken(("next: ", "dim"), "mlver register MODEL --weights PATH -m WHY")
