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
    for finding in result.left:
        screen.draw_line(
            ("yours to settle: ", "warn"), (finding.subject, "bold"), f" {finding.message}", hang=2
        )
        draw_hints(finding.hints, screen, indent=2)
    if result.conflicts:
        files_text = format_count(result.conflicts, "file")
        predicate = "holds" if result.conflicts == 1 else "hold"
        screen.draw_line(f"{files_text} of your own still {predicate} both sides: git status")
    if not result.dry_run:
        for command in result.next:
            screen.draw_next(command)


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
    side_name = f"{result.rewrite} in this {result.during}"
    if result.during == "commit":
        side_name = "the last commit"
    screen.draw_line((verb, "bold"), " ", (side_name, "name"), f" ({result.why})")


def _list_rows(result: ResolveResult) -> list[list[Cell]]:
    """One row for each record, settings file and tag, with what became of it."""
    table_rows: list[list[Cell]] = []
    for record in result.rewritten:
        path_parts: list[Part] = [_shorten_record_path(record.old)]
        if record.new != record.old:
            path_parts += [" → ", (_shorten_record_path(record.new), "good")]
        table_rows.append([path_parts, (record.why, "dim")])
    for dropped in result.dropped:
        place_parts: list[Part] = [_shorten_record_path(dropped.subject), ("  left out", "bad")]
        table_rows.append([place_parts, (dropped.message, "dim")])
    for settings_path in result.settled:
        table_rows.append([settings_path, ("merged key by key", "dim")])
    for tag_name in result.untagged:
        table_rows.append([f"tag {tag_name}", ("deleted: no remote has it", "dim")])
    return table_rows


def draw_driver(result: DriverResult, screen: TextScreen) -> None:
    verb = "Would tell git how" if result.dry_run else "Told git how"
    screen.draw_line((verb, "bold"), " to merge settings key by key")
    screen.draw_line("  ask for it in .gitattributes:")
    for attribute_line in result.attributes:
        screen.draw_unbroken("    ", attribute_line)


def _shorten_record_path(path: str) -> str:
    return path.removeprefix(_ROOT).removesuffix(".yaml")
