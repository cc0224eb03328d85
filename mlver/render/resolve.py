from __future__ import annotations

from mlver.commands.driver import DriverResult
from mlver.commands.resolve import ResolveResult
from mlver.render.screen import Cell, Part, Screen
from mlver.render.words import count

_ROOT = ".mlver/models/"


def text(result: ResolveResult, screen: Screen) -> None:
    changed = result.rewritten or result.dropped or result.settled
    if not changed and not result.left:
        screen.line("no record is in anybody's way; nothing changed")
    elif changed and not result.written and not result.untagged:
        screen.line("all of it is settled already; nothing changed")
    elif changed:
        verb = "Would rewrite" if result.dry_run else "Rewrote"
        side = "the last commit" if result.during == "commit" else f"{result.rewrite} in this {result.during}"
        screen.line((verb, "bold"), " ", (side, "name"), f" ({result.why})")
    rows: list[list[Cell]] = []
    for one in result.rewritten:
        moved: list[Part] = [_short(one.old)]
        moved += [" → ", (_short(one.new), "good")] if one.new != one.old else []
        rows.append([moved, (one.why, "dim")])
    rows += [[[_short(one.path), ("  left out", "bad")], (one.why, "dim")] for one in result.dropped]
    rows += [[path, ("merged key by key", "dim")] for path in result.settled]
    rows += [[f"tag {tag}", ("deleted: it was never pushed", "dim")] for tag in result.untagged]
    screen.table(rows, indent=2, fold=1)
    for left in result.left:
        screen.line(("yours to settle: ", "warn"), (left.path, "bold"), f" {left.why}", hang=2)
        screen.unbroken("  ", ("hint: ", "dim"), left.hint)
    if result.conflicts:
        hold = "holds" if result.conflicts == 1 else "hold"
        screen.line(f"{count(result.conflicts, 'file')} of your own still {hold} both sides: git status")
    if result.next and not result.dry_run:
        screen.unbroken(("next: ", "dim"), ", then ".join(result.next))


def driver(result: DriverResult, screen: Screen) -> None:
    verb = "Would tell git how" if result.dry_run else "Told git how"
    screen.line((verb, "bold"), " to merge settings key by key")
    screen.line("  ask for it in .gitattributes:")
    for line in result.attributes:
        screen.unbroken("    ", line)


def _short(path: str) -> str:
    return path.removeprefix(_ROOT).removesuffix(".yaml")
