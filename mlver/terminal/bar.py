"""The bar of long work: one calm colour, what is done of how much, how fast, how long still."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.table import Column
from rich.text import Text

from mlver.terminal.words import format_duration, format_size

_STYLE = "cyan"
_BAR_WIDTH = 20


class _AmountColumn(ProgressColumn):
    """`1.4 GB of 2.1 GB, 66 %, 383 MB/s, 2 s left`; without a total, what is known of that."""

    def render(self, task: Task) -> Text:
        said = describe_progress(int(task.completed), task.total, task.speed)
        return Text(said, no_wrap=True)


def describe_progress(done: int, total: float | None, speed: float | None) -> str:
    """Say how far work on bytes is; `speed` is in bytes a second."""
    parts = [format_size(done)]
    if total:
        total = max(total, done)
        percent = min(100, int(100 * done / total))
        parts = [f"{format_size(done)} of {format_size(int(total))}", f"{percent} %"]
    if speed:
        parts.append(f"{format_size(int(speed))}/s")
        if total and total > done:
            parts.append(f"{format_duration(max(1, (total - done) / speed))} left")
    return ", ".join(parts)


def start_bar(console: Console) -> Progress:
    """Begin to draw a bar that disappears at its end."""
    progress = Progress(
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(_BAR_WIDTH, complete_style=_STYLE, finished_style=_STYLE, pulse_style=_STYLE),
        _AmountColumn(),
        console=console,
        transient=True,
    )
    progress.start()
    return progress
