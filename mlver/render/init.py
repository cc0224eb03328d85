from __future__ import annotations

from mlver.commands.init import InitResult
from mlver.render.screen import Screen


def text(result: InitResult, screen: Screen) -> None:
    if not result.created:
        screen.line("mlver is set up here already; nothing changed")
        return
    verb = "Would write" if result.dry_run else "Set up mlver in"
    screen.line((verb, "bold"), " ", result.top)
    for path in result.created:
        screen.line("  ", path)
    if not result.dry_run:
        screen.unbroken(("next: ", "dim"), "mlver register MODEL --weights PATH -m WHY")
