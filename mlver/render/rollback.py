from __future__ import annotations

from mlver.commands.rollback import RollbackResult
from mlver.render import materialised
from mlver.render.screen import TextScreen
from mlver.render.words import format_size


def draw_rollback(result: RollbackResult, screen: TextScreen) -> None:
    verb = "Would roll back" if result.dry_run else "Rolled back"
    screen.draw_line(
        (verb, "bold"), f" {result.stage} from {result.previous} to ", (f"{result.model} {result.version}", "name")
    )
    kept = "that is kept of it" if result.unkept else "of it"
    screen.draw_line("  ", (f"every byte {kept} was read and found right ({format_size(result.verified)})", "dim"))
    if result.unkept:
        screen.draw_line("  ", (f"not checked, for mlver keeps no copy: {', '.join(result.unkept)}", "warn"))
    if result.checkout is not None:
        materialised.draw_materialised(result.checkout, screen, dry_run=result.dry_run)
    elif not result.dry_run:
        screen.draw_unbroken(("working files: ", "dim"), f"mlver checkout {result.model}@{result.version}")
