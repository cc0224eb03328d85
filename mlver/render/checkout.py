from __future__ import annotations

from mlver.commands.checkout import CheckoutResult
from mlver.render import materialised
from mlver.render.screen import TextScreen


def draw_checkout(result: CheckoutResult, screen: TextScreen) -> None:
    verb = "Would check out" if result.dry_run else "Checked out"
    screen.draw_line((verb, "bold"), " ", (f"{result.model} {result.version}", "name"))
    materialised.draw_materialised(result.files, screen, dry_run=result.dry_run)
