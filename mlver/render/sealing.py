"""New tags, and records that may have none, as `tag` and `release` show them."""

from __future__ import annotations

from collections.abc import Iterable

from mlver.project.sealing import Sealed, Unsealable
from mlver.render.screen import Screen


def made(found: Iterable[Sealed], screen: Screen, *, dry_run: bool) -> None:
    verb = "Would seal" if dry_run else "Sealed"
    for sealed in found:
        screen.line((verb, "bold"), " ", (sealed.tag, "name"), (f"  on commit {sealed.commit[:10]}", "dim"))


def refused(found: Iterable[Unsealable], screen: Screen) -> None:
    for record in found:
        screen.line(("Refused", "bad"), " ", (record.path, "bold"), f" {record.message}", hang=2)
        screen.unbroken("  ", ("hint: ", "dim"), record.hint)
