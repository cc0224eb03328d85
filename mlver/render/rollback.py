from __future__ import annotations

from mlver.commands.rollback import RollbackResult
from mlver.render import materialised
from mlver.render.screen import Screen
from mlver.render.words import size


def text(result: RollbackResult, screen: Screen) -> None:
    verb = "Would roll back" if result.dry_run else "Rolled back"
    screen.line(
        (verb, "bold"), f" {result.stage} from {result.previous} to ", (f"{result.model} {result.version}", "name")
    )
    kept = "that is kept of it" if result.unkept else "of it"
    screen.line("  ", (f"every byte {kept} was read and found right ({size(result.verified)})", "dim"))
    if result.unkept:
        screen.line("  ", (f"not checked, for mlver keeps no copy: {', '.join(result.unkept)}", "warn"))
    if result.checkout is not None:
        materialised.text(result.checkout, screen, dry_run=result.dry_run)
    elif not result.dry_run:
        screen.unbroken(("working files: ", "dim"), f"mlver checkout {result.model}@{result.version}")
