"""What stands beside the bar of long work."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from mlver.terminal.bar import describe_progress, start_bar


@pytest.mark.parametrize(
    ("done", "total", "speed", "said"),
    [
        (1_400_000_000, 2_100_000_000, 350e6, "1.4 GB of 2.1 GB, 66 %, 350 MB/s, 2 s left"),
        (10_000_000, 90_000_000_000, 1e6, "10 MB of 90 GB, 0 %, 1 MB/s, 25 h 0 min left"),
        (1_400_000_000, None, 350e6, "1.4 GB, 350 MB/s"),
        (500, 1000, None, "500 B of 1 kB, 50 %"),
        (1000, 1000, 10.0, "1 kB of 1 kB, 100 %, 10 B/s"),
        # A content that several files have is written more often than it was counted.
        (1100, 1000, 10.0, "1.1 kB of 1.1 kB, 100 %, 10 B/s"),
        (0, 0, None, "0 B"),
    ],
)
def test_what_is_known_is_said(
    done: int, total: float | None, speed: float | None, said: str
) -> None:
    assert describe_progress(done, total, speed) == said


@pytest.mark.parametrize("total", [100, None])
def test_it_has_one_calm_colour(total: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system="standard", width=80)
    progress = start_bar(console)
    progress.add_task("hashing model", total=total, completed=50)
    progress.stop()
    shown = stream.getvalue()
    assert "\x1b[36m" in shown
    # Red, magenta and their bright ones.
    assert not any(f"\x1b[{number}m" in shown for number in (31, 35, 91, 95))
