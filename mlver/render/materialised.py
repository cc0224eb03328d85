"""What became of the working files, or would, for the commands that put them in place."""

from __future__ import annotations

from mlver.project.materialise import Materialised
from mlver.render.screen import TextScreen
from mlver.render.words import format_count, join_listed

_SAVED_SHOWN = 5


def draw_materialised(done: Materialised, screen: TextScreen, *, dry_run: bool) -> None:
    written, removed = ("to write", "to remove") if dry_run else ("written", "removed")
    parts = [f"{format_count(done.written, 'file')} {written}"]
    if done.removed:
        parts.append(f"{done.removed:,} {removed}")
    parts.append(f"{done.unchanged:,} unchanged")
    screen.draw_line("  ", ", ".join(parts), (f"  in {done.root}", "dim"), hang=2)
    if done.skipped:
        screen.draw_line("  ", (f"not touched: {join_listed(done.skipped)} (mlver keeps no copy)", "dim"), hang=2)
    if done.saved:
        kept = "would keep" if dry_run else "kept"
        screen.draw_line("  ", (f"{kept} the unregistered bytes of {format_count(len(done.saved), 'file')} as objects:", "warn"))
    for path, digest in done.saved[:_SAVED_SHOWN]:
        screen.draw_line("    ", path)
        screen.draw_unbroken(("      " + f"sha256:{digest}", "dim"))
    if len(done.saved) > _SAVED_SHOWN:
        screen.draw_line((f"    and {len(done.saved) - _SAVED_SHOWN:,} more (--json lists all)", "dim"))
