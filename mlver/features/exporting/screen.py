"""What `mlver export` prints."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.features.exporting.export import ExportResult
from mlver.features.exporting.published import MODEL_PACK
from mlver.terminal.screen import TextScreen
from mlver.terminal.words import format_count, format_size, join_listed


def draw_export(result: ExportResult, screen: TextScreen) -> None:
    is_published = result.format == MODEL_PACK
    verb = "Would export" if result.dry_run else "Exported"
    screen.draw_line((verb, "bold"), " ", (f"{result.model} {result.version}", "name"))
    counted = format_count(result.files, "file")
    if result.size is not None:
        counted = f"{counted}, {format_size(result.size)}"
    names = join_listed(result.artifacts) or "its environment"
    screen.draw_line("  ", f"{names}: {counted}", (f"  in {result.path}", "dim"), hang=2)
    if result.skipped:
        skipped = join_listed(result.skipped)
        nobody = "the registry does not have it" if is_published else "nobody here keeps it"
        screen.draw_line("  ", (f"left out: {skipped} ({nobody})", "warn"), hang=2)
    if is_published:
        screen.draw_line("  ", ("record  ", "bold"), result.record, hang=10)
        screen.draw_note("no seal was checked: `mlver show` in the repository tells that digest")
    if result.dry_run:
        screen.draw_line(("nothing was written", "dim"))
    elif is_published:
        return
    else:
        folder = shell_command(result.path)
        screen.draw_next(f"cd {folder} && sha256sum --quiet -c SHA256SUMS")
