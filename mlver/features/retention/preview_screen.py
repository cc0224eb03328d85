"""What gc says of the files of series that it would keep in parts."""

from __future__ import annotations

from mlver.features.retention.gc import GcPreview
from mlver.terminal.links import draw_hidden_count
from mlver.terminal.screen import Cell, TextScreen
from mlver.terminal.words import format_count, format_size

# A screen shows the first of many; --json has all.
_FILES_SHOWN = 8


def draw_preview(preview: GcPreview, screen: TextScreen) -> None:
    if not preview.files:
        return
    files = format_count(len(preview.files), "file")
    size = format_size(sum(file.bytes for file in preview.files))
    verb = "comes" if len(preview.files) == 1 else "come"
    screen.draw_line(
        f"  {files} of {size} {verb} after a version with the same tensors, and would be kept in"
        " parts where that pays:",
        hang=2,
    )
    rows: list[list[Cell]] = []
    for file in preview.files[:_FILES_SHOWN]:
        changed = file.bytes - file.equal
        rows.append(
            [
                (f"{file.model} {file.version}", "name"),
                file.name,
                f"{format_size(file.equal)} as before",
                f"{format_size(changed)} changed",
            ]
        )
    screen.draw_table(rows, right=(2, 3), indent=4, fold=1)
    draw_hidden_count(len(preview.files) - len(rows), screen, indent=4, noun=" files")
    equal = sum(file.equal for file in preview.files)
    if equal:
        screen.draw_line(
            f"  what is as before is stored once: that frees at least {format_size(equal)}, as soon"
            " as the whole files leave the trash",
            hang=2,
        )
    if preview.problem is None:
        screen.draw_line(
            "  what changed is stored as its difference to the version before; how small that is,"
            " only a run tells",
            hang=2,
        )
    else:
        draw_lacking(preview.problem, preview.hint, screen)


def draw_lacking(problem: str, hint: str | None, screen: TextScreen) -> None:
    """Say why no differences are made, and what helps."""
    screen.draw_note(
        f"tensors that changed a little are stored whole: {problem} ({hint or 'mlver gc'})"
    )
