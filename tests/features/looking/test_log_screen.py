"""`mlver log` on screens of any width: a line an event, authors in a column of their own."""

from __future__ import annotations

import io

import pytest

from mlver.features.looking.log_result import LogEvent, LogResult, LogRule
from mlver.features.looking.log_screen import draw_log
from mlver.terminal.screen import TextScreen

NORA = "Nora Newcomer <nora@example.org>"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def build_event(day: int, event: str, version: str, message: str, **others: str) -> LogEvent:
    return LogEvent(
        created=f"2026-03-{day:02d}T09:30:00Z",
        event=event,
        model="minilm",
        version=version,
        stage=others.get("stage"),
        previous=others.get("previous"),
        author=others.get("author", NORA),
        message=message,
        commit=COMMIT,
        committer=NORA,
    )


RESULT = LogResult(
    events=(
        build_event(9, "rolled back", "1.0.0", "Latency", stage="production", previous="1.1.0"),
        build_event(
            7, "promoted", "1.1.0", "Tried for a week", stage="production", previous="1.0.0"
        ),
        build_event(3, "registered", "1.1.0", "A tokenizer with twice the words, and wider layers"),
    ),
    total=3,
    rules=(
        LogRule(
            created="2026-03-08T09:30:00Z",
            stage="production",
            author=NORA,
            commit=COMMIT,
            loosened=(),
        ),
    ),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def draw_at(width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()
    screen = TextScreen(stream)
    monkeypatch.setattr(type(screen.rich_console), "width", width)
    draw_log(RESULT, screen)
    return stream.getvalue()


SCREENS = {
    80: """\
time (UTC)        version  event         stage       by       message
2026-03-09 09:30  1.0.0    rolled back   production  Nora N.  Latency
2026-03-08 09:30           rule changed  production  Nora N.  stricter
2026-03-07 09:30  1.1.0    promoted      production  Nora N.  Tried for a week
2026-03-03 09:30  1.1.0    registered                Nora N.  A tokenizer with …
""",
    100: """\
time (UTC)        version  event         stage                      by             message
2026-03-09 09:30  1.0.0    rolled back   production: 1.1.0 → 1.0.0  Nora Newcomer  Latency
2026-03-08 09:30           rule changed  production                 Nora Newcomer  stricter
2026-03-07 09:30  1.1.0    promoted      production: 1.0.0 → 1.1.0  Nora Newcomer  Tried for a week
2026-03-03 09:30  1.1.0    registered                               Nora Newcomer  A tokenizer with…
""",
}


@pytest.mark.parametrize("width", SCREENS)
def test_each_event_is_a_line(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = draw_at(width, monkeypatch)
    assert all(len(line) <= width for line in shown.splitlines())
    assert shown == SCREENS[width]


@pytest.mark.parametrize("width", [120, 200])
def test_a_wide_screen_has_the_version_before_and_the_commit(
    width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    header, newest, *_ = draw_at(width, monkeypatch).splitlines()
    assert header.split() == [*"time (UTC) version event stage by commit message".split()]
    assert "  production: 1.1.0 → 1.0.0  Nora Newcomer  0123456789  Latency" in newest


def test_a_very_narrow_screen_has_messages_below(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = draw_at(60, monkeypatch)
    assert shown.count("\n") > 5
    assert "Tried for a week\n" in shown


def test_without_a_terminal_nothing_is_cut() -> None:
    stream = io.StringIO()
    draw_log(RESULT, TextScreen(stream))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 5
    assert lines[-1].endswith(f"{COMMIT[:10]}  A tokenizer with twice the words, and wider layers")
