from __future__ import annotations

from mlver.commands.checkout import CheckoutResult
from mlver.render import materialised
from mlver.render.screen import Screen


def text(result: CheckoutResult, screen: Screen) -> None:
    verb = "Would check out" if result.dry_run else "Checked out"
    screen.line((verb, "bold"), " ", (f"{result.model} {result.version}", "name"))
    materialised.text(result.files, screen, dry_run=result.dry_run)
