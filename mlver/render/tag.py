from __future__ import annotations

from mlver.commands.tag import TagResult
from mlver.render.screen import Screen
from mlver.render.words import count


def text(result: TagResult, screen: Screen) -> None:
    verb = "Would seal" if result.dry_run else "Sealed"
    for sealed in result.made:
        screen.line((verb, "bold"), " ", (sealed.tag, "name"), (f"  on commit {sealed.commit[:10]}", "dim"))
    for refused in result.refused:
        screen.line(("Refused", "bad"), " ", (refused.path, "bold"), f" {refused.message}", hang=2)
        screen.unbroken("  ", ("hint: ", "dim"), refused.hint)
    if not result.made and not result.refused:
        screen.line("every record on HEAD is sealed already")
    if result.remote is not None:
        screen.line(f"pushed {count(len(result.pushed), 'tag')} to {result.remote}")
    elif result.made and not result.dry_run:
        screen.unbroken(("next: ", "dim"), "mlver tag --push")
