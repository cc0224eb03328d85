"""How the comparisons of artifacts look on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.features.comparing.artifact_diff import ArtifactDiff, ModeChange, RenamedFile
from mlver.terminal.links import draw_hidden_count
from mlver.terminal.screen import Cell, Part, Style, TextScreen
from mlver.terminal.words import format_count, format_size

# A screen shows the first of many; --json has more room.
_FILES_SHOWN = 10
_STATES: dict[str, Style] = {
    "added": "good",
    "removed": "bad",
    "changed": "warn",
    "missing": "bad",
    "pointer": "bad",
    "unreadable": "bad",
    "elsewhere": "dim",
}


def draw_artifact_changes(artifacts: Sequence[ArtifactDiff], screen: TextScreen) -> None:
    changed = [artifact for artifact in artifacts if artifact.state != "unchanged"]
    if not changed:
        return
    screen.draw_line(("artifacts", "bold"))
    for artifact in changed:
        screen.draw_line(
            f"  {artifact.name}  ",
            (artifact.state, _STATES[artifact.state]),
            f"  {artifact.path}  ",
            (_describe_artifact_sizes(artifact), "dim"),
            hang=4,
        )
        _draw_file_changes(artifact, screen)


def _describe_artifact_sizes(artifact: ArtifactDiff) -> str:
    if artifact.state == "pointer" and artifact.pointer is not None:
        return artifact.pointer
    if artifact.unreadable is not None:
        return artifact.unreadable
    old_extent = f"{format_count(artifact.old_files, 'file')}, {format_size(artifact.old_size)}"
    new_extent = f"{format_count(artifact.new_files, 'file')}, {format_size(artifact.new_size)}"
    if artifact.state == "elsewhere":
        return f"{old_extent}, not read"
    if artifact.state == "added":
        return new_extent
    if artifact.state in ("removed", "missing") or old_extent == new_extent:
        return old_extent
    return f"{old_extent} → {new_extent}"


def _draw_file_changes(artifact: ArtifactDiff, screen: TextScreen) -> None:
    table_rows: list[list[Cell]] = []
    signed_names: tuple[tuple[Part, Sequence[str]], ...] = (
        (("−", "bad"), artifact.removed),
        (("+", "good"), artifact.added),
        (("~", "warn"), artifact.changed),
    )
    for sign, file_names in signed_names:
        for file_name in file_names:
            # An artifact that is a single file has an empty name inside itself.
            if file_name:
                table_rows.append([sign, file_name])
    for renamed in artifact.renamed:
        table_rows.append([("→", "warn"), _describe_renamed_file(renamed, artifact)])
    for mode_change in artifact.modes:
        table_rows.append([("~", "warn"), _describe_mode_change(mode_change, artifact)])
    screen.draw_table(table_rows[:_FILES_SHOWN], indent=4, fold=1)
    hidden = len(table_rows) - _FILES_SHOWN
    draw_hidden_count(hidden, screen, indent=4, noun=" files")


def _describe_renamed_file(renamed: RenamedFile, artifact: ArtifactDiff) -> str:
    # As above: an empty name is the artifact itself.
    if not renamed.old:
        return f"the file is {renamed.new} now"
    return f"{renamed.old} → {renamed.new or artifact.path}"


def _describe_mode_change(change: ModeChange, artifact: ArtifactDiff) -> str:
    negation = "" if change.executable else "not "
    return f"{change.path or artifact.path}  {negation}executable now"
