"""What resolve print."""

from __future__ import annotations

from mlver.features.merging.driver import DriverResult
from mlver.features.merging.resolve import ResolveResult
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Cell, Part, TextScreen
from mlver.terminal.words import format_count

_ROOT = ".mlver/models/"


def draw_resolve(result: ResolveResult, screen: TextScreen) -> None:
    changed = result.rewritten or result.dropped or result.settled
    if not changed and not result.left:
        screen.draw_line("no record is in anybody's way; nothing changed")
    elif changed and not result.written and not result.untagged:
        screen.draw_line("all of it is settled already; nothing changed")
    elif changed:
        verb = "Would rewrite" if result.dry_run else "Rewrote"
        side = (
            "the last commit"
            if result.during == "commit"
            else f"{result.rewrite} in this {result.during}"
        )
        screen.draw_line((verb, "bold"), " ", (side, "name"), f" ({result.why})")
    rows: list[list[Cell]] = []
    for one in result.rewritten:
        moved: list[Part] = [_shorten_record_path(one.old)]
        moved += [" → ", (_shorten_record_path(one.new), "good")] if one.new != one.old else []
        rows.append([moved, (one.why, "dim")])
    rows += [
        [[_shorten_record_path(one.subject), ("  left out", "bad")], (one.message, "dim")]
        for one in result.dropped
    ]
    rows += [[path, ("merged key by key", "dim")] for path in result.settled]
    rows += [[f"tag {tag}", ("deleted: it was never pushed", "dim")] for tag in result.untagged]
    screen.draw_table(rows, indent=2, fold=1)
    for left in result.left:
        screen.draw_line(
            ("yours to settle: ", "warn"), (left.subject, "bold"), f" {left.message}", hang=2
        )
        draw_hints(left.hints, screen, indent=2)
    if result.conflicts:
        hold = "holds" if result.conflicts == 1 else "hold"
        screen.draw_line(
            f"{format_count(result.conflicts, 'file')} of your own still {hold} both sides: git status"
        )
    if result.next and not result.dry_run:
        screen.draw_unbroken(("next: ", "dim"), ", then ".join(result.next))


def draw_driver(result: DriverResult, screen: TextScreen) -> None:
    verb = "Would tell git how" if result.dry_run else "Told git how"
    screen.draw_line((verb, "bold"), " to merge settings key by key")
    screen.draw_line("  ask for it in .gitattributes:")
    for line in result.attributes:
        screen.draw_unbroken("    ", line)


def _shorten_record_path(path: str) -> str:
    return path.removeprefix(_ROOT).removesuffix(".yaml")
