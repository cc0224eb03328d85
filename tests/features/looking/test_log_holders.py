"""`mlver log --at`: what each stage held then."""

from __future__ import annotations

import io

import pytest

from mlver.features.looking.log_result import LogHolder, LogResult
from mlver.features.looking.log_screen import draw_log
from mlver.policy.time_windows import TimeWindow
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_works
from tests.conftest import Repository

NORA = "Nora Newcomer <nora@example.org>"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
DAY = TimeWindow("2026-03-02T00:00:00Z", "2026-03-03T00:00:00Z")
MINUTE = TimeWindow("2026-03-02T09:30:00Z", "2026-03-02T09:31:00Z")


def build_result(window: TimeWindow) -> LogResult:
    holders: list[LogHolder] = []
    for second, version in enumerate(("1.0.0", "1.1.0")):
        holders.append(
            LogHolder(
                model="minilm",
                stage="production",
                version=version,
                sequence=second + 1,
                since=f"2026-03-02T09:30:0{second}Z",
                until="2026-03-02T09:30:01Z" if second == 0 else None,
                author=NORA,
                message="A message that goes on and on, to the edge of the screen and beyond it",
                commit=COMMIT,
                committer=NORA,
            )
        )
    return LogResult((), 0, at=window, holders=tuple(holders))


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def draw_at(width: int, window: TimeWindow, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    screen = TextScreen(stream)
    monkeypatch.setattr(type(screen.rich_console), "width", width)
    draw_log(build_result(window), screen)
    return stream.getvalue().splitlines()


def test_moves_of_one_minute_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    header, first, _ = draw_at(200, MINUTE, monkeypatch)
    assert header == "held  from 2026-03-02 09:30:00 to 2026-03-02 09:31:00 UTC"
    assert "1.0.0  2026-03-02 09:30:00 – 2026-03-02 09:30:01  Nora Newcomer" in first


def test_of_a_day_minutes_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    header, first, *_ = draw_at(200, DAY, monkeypatch)
    assert header == "held  from 2026-03-02 00:00 to 2026-03-03 00:00 UTC"
    assert "1.0.0  2026-03-02 09:30 – 2026-03-02 09:30  Nora Newcomer" in first


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_no_commit_and_no_name_is_cut(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = draw_at(width, DAY, monkeypatch)
    assert all(len(line) <= width for line in lines)
    assert all("Nora Newcomer" in line for line in lines if "1." in line)
    assert any(COMMIT[:10] in line for line in lines) == (width > 100)


def test_how_long_ago_is_a_time_too(second: Repository) -> None:
    shown = assert_works(second, "log", "--since", "2 days ago")
    assert "promoted" in shown
    assert assert_works(second, "log", "--at", "yesterday").startswith("held  from ")
