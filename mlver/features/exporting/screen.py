"""What `mlver export` prints."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.features.exporting.export import ExportResult
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import format_count, format_size, join_listed


def draw_export(result: ExportResult, screen: TextScreen) -> None:
    verb = "Would export" if result.dry_run else "Exported"
    screen.draw_line((verb, "bold"), " ", (f"{result.model} {result.version}", "name"))
    counted = format_count(result.files, "file")
    if result.size is not None:
        counted = f"{counted}, {format_size(result.size)}"
    names = join_listed(result.artifacts)
    screen.draw_line("  ", f"{names}: {counted}", (f"  in {result.path}", "dim"), hang=2)
    if result.skipped:
        skipped = join_listed(result.skipped)
        screen.draw_line("  ", (f"left out: {skipped} (nobody here keeps it)", "warn"), hang=2)
    if result.dry_run:
        screen.draw_line(("nothing was written", "dim"))
    else:
        folder = shell_command(result.path)
        screen.draw_next(f"cd {folder} && sha256sum --quiet -c SHA256SUMS")
