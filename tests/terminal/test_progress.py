"""Progress is for people who wait: on a terminal, and after a second."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.progress import Progress, TaskID

from mlver.terminal.preferences import forget_preferences
from mlver.terminal.progress import TerminalReporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(stream: io.StringIO, seconds: float, monkeypatch: pytest.MonkeyPatch) -> str:
    clock = iter([0.0, seconds, seconds + 0.1, seconds + 0.2])
    monkeypatch.setattr("mlver.terminal.progress.time.monotonic", lambda: next(clock, 100.0))
    monkeypatch.setenv("TERM", "xterm")
    reporter = TerminalReporter(stream)
    reporter.begin_work("hashing [red]model[/red]", 100)
    reporter.advance_work(50)
    reporter.advance_work(50)
    reporter.end_work()
    return stream.getvalue()


def test_quick_work_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert work(Terminal(), 0.2, monkeypatch) == ""


def test_long_work_shows_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "hashing [red]model[/red]" in work(Terminal(), 1.5, monkeypatch)


def test_a_known_total_is_told_as_a_percentage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "100 B of 100 B, 100 %" in work(Terminal(), 1.5, monkeypatch)


def test_long_work_is_silent_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    assert work(io.StringIO(), 1.5, monkeypatch) == ""


def test_a_remark_is_one_clean_line() -> None:
    stream = io.StringIO()
    TerminalReporter(stream).show_note("undid `x\x1b[2J`")
    assert stream.getvalue() == "note: undid `x\\x1b[2J`\n"


@pytest.mark.parametrize(("name", "value"), [("MLVER_PROGRESS", "0"), ("MLVER_QUIET", "1")])
def test_whoever_wants_no_bar_gets_none(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget_preferences()
    monkeypatch.setenv(name, value)
    assert work(Terminal(), 1.5, monkeypatch) == ""
    forget_preferences()


def test_threads_share_one_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second bar would never be stopped, and would keep stdout."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("mlver.terminal.progress._PATIENCE_S", -1.0)
    bars: list[object] = []

    def start_slowly(reporter: TerminalReporter) -> tuple[Progress, TaskID]:
        # As long as rich is being imported, other threads go on.
        time.sleep(0.02)
        bar = start(reporter)
        bars.append(bar)
        return bar

    start = TerminalReporter._start_bar
    monkeypatch.setattr(TerminalReporter, "_start_bar", start_slowly)
    reporter = TerminalReporter(Terminal())
    reporter.begin_work("reading", 400)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(reporter.advance_work, [100] * 4))
    reporter.end_work()
    assert len(bars) == 1
