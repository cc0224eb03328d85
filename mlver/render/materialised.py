"""What became of the working files, or would, for the commands that put them in place."""

from __future__ import annotations

from mlver.project.materialise import Materialised
from mlver.render.screen import Screen
from mlver.render.words import count, listed

_SAVED_SHOWN = 5


def text(done: Materialised, screen: Screen, *, dry_run: bool) -> None:
    written, removed = ("to write", "to remove") if dry_run else ("written", "removed")
    parts = [f"{count(done.written, 'file')} {written}"]
    if done.removed:
        parts.append(f"{done.removed:,} {removed}")
    parts.append(f"{done.unchanged:,} unchanged")
    screen.line("  ", ", ".join(parts), (f"  in {done.root}", "dim"), hang=2)
    if done.skipped:
        screen.line("  ", (f"not touched: {listed(done.skipped)} (mlver keeps no copy)", "dim"), hang=2)
    if done.saved:
        kept = "would keep" if dry_run else "kept"
        screen.line("  ", (f"{kept} the unregistered bytes of {count(len(done.saved), 'file')} as objects:", "warn"))
    for path, digest in done.saved[:_SAVED_SHOWN]:
        screen.line("    ", path)
        screen.unbroken(("      " + f"sha256:{digest}", "dim"))
    if len(done.saved) > _SAVED_SHOWN:
        screen.line((f"    and {len(done.saved) - _SAVED_SHOWN:,} more (--json lists all)", "dim"))
