"""What `resolve` shows."""

from __future__ import annotations

from mlver.features.merging.driver import DriverResult
from mlver.features.merging.resolve import ResolveResult
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Cell, Part, TextScreen
from mlver.terminal.words import format_count

_ROOT = ".mlver/models/"


def draw_resolve(result: ResolveResult, screen: TextScreen) -> None:
    _draw_summary(result, screen)
    screen.draw_table(_list_rows(result), indent=2, fold=1)
    for left in result.left:
        screen.draw_line(
            ("yours to settle: ", "warn"), (left.subject, "bold"), f" {left.message}", hang=2
        )
        draw_hints(left.hints, screen, indent=2)
    if result.conflicts:
        files = format_count(result.conflicts, "file")
        hold = "holds" if result.conflicts == 1 else "hold"
        screen.draw_line(f"{files} of your own still {hold} both sides: git status")
    if result.next and not result.dry_run:
        screen.draw_unbroken(("next: ", "dim"), ", then ".join(result.next))


def _draw_summary(result: ResolveResult, screen: TextScreen) -> None:
    changed = result.rewritten or result.dropped or result.settled
    if not changed:
        # What is left to a person speaks for itself.
        if not result.left:
            screen.draw_line("no record is in anybody's way; nothing changed")
        return
    if not result.written and not result.untagged:
        screen.draw_line("all of it is settled already; nothing changed")
        return
    verb = "Would rewrite" if result.dry_run else "Rewrote"
    side = f"{result.rewrite} in this {result.during}"
    if result.during == "commit":
        side = "the last commit"
    screen.draw_line((verb, "bold"), " ", (side, "name"), f" ({result.why})")


def _list_rows(result: ResolveResult) -> list[list[Cell]]:
    """One row for each record, settings file and tag, with what became of it."""
    rows: list[list[Cell]] = []
    for record in result.rewritten:
        places: list[Part] = [_shorten_record_path(record.old)]
        if record.new != record.old:
            places += [" → ", (_shorten_record_path(record.new), "good")]
        rows.append([places, (record.why, "dim")])
    for dropped in result.dropped:
        place: list[Part] = [_shorten_record_path(dropped.subject), ("  left out", "bad")]
        rows.append([place, (dropped.message, "dim")])
    for path in result.settled:
        rows.append([path, ("merged key by key", "dim")])
    for tag in result.untagged:
        rows.append([f"tag {tag}", ("deleted: it was never pushed", "dim")])
    return rows


def draw_driver(result: DriverResult, screen: TextScreen) -> None:
    verb = "Would tell git how" if result.dry_run else "Told git how"
    screen.draw_line((verb, "bold"), " to merge settings key by key")
    screen.draw_line("  ask for it in .gitattributes:")
    for line in result.attributes:
        screen.draw_unbroken("    ", line)


def _shorten_record_path(path: str) -> str:
    return path.removeprefix(_ROOT).removesuffix(".yaml")
