"""New tags, and records that may have none, as `tag` and `release` show them."""

from __future__ import annotations

from collections.abc import Iterable

from mlver.project.sealing import Sealed, Unsealable
from mlver.render.screen import TextScreen


def draw_new_seals(found: Iterable[Sealed], screen: TextScreen, *, dry_run: bool) -> None:
    verb = "Would seal" if dry_run else "Sealed"
    for sealed in found:
        screen.draw_line((verb, "bold"), " ", (sealed.tag, "name"), (f"  on commit {sealed.commit[:10]}", "dim"))


def draw_refused_records(found: Iterable[Unsealable], screen: TextScreen) -> None:
    for record in found:
        screen.draw_line(("Refused", "bad"), " ", (record.path, "bold"), f" {record.message}", hang=2)
        screen.draw_unbroken("  ", ("hint: ", "dim"), record.hint)
