"""What monitor prints."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.errors import shell_command
from mlver.features.monitoring.monitor import FileState, MonitorResult
from mlver.terminal.screen import Cell, Style, TextScreen
from mlver.terminal.words import format_count

_STYLES: Mapping[FileState, Style] = {"new": "good", "changed": "warn", "same": "dim"}


def draw_monitor(result: MonitorResult, screen: TextScreen) -> None:
    watched = f"{result.model} in {', '.join(result.stages)}"
    count = format_count(len(result.differing), "file")
    if not result.differing:
        screen.draw_line(f"{result.folder} is right for {watched}")
        return
    words = f"Wrote {count} to {result.folder}"
    if result.check or result.dry_run:
        words = f"{count} of {result.folder} would be written"
    screen.draw_line(f"{words}, which monitor {watched}:")
    rows: list[list[Cell]] = []
    for file in result.files:
        rows.append([(file.state, _STYLES[file.state]), file.path])
    screen.draw_table(rows, indent=2)
    if result.check:
        screen.draw_next(shell_command("mlver", "monitor", result.model, "--write", result.folder))
        return
    for stage in result.stages:
        path = f"{result.folder.rstrip('/')}/mlver-{result.model}-{stage}.rules-test.yaml"
        screen.draw_next(shell_command("promtool", "test", "rules", path))
