"""Text that others wrote gives no command to the runner of a job that prints it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.terminal import sanitise, structured
from mlver.terminal.screen import Cell, TextScreen
from tests.faults.hostile import RUNNER_COMMAND

PIECES = ("::", ":", "##[", "##vso[", "#", "[", "error", "\n", " ", "\u3000", "\r", "\x1b", "a")
hostile_texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@dataclass(frozen=True)
class TextResult:
    text: str


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("::error::no", "\\x3a:error::no"),
        ("  ::stop-commands::x", "  \\x3a:stop-commands::x"),
        ("##[error]no", "#\\x23[error]no"),
        ("a ##vso[task.setvariable]b", "a #\\x23vso[task.setvariable]b"),
        ("###[x", "##\\x23[x"),
        ("std::vector, ## heading [link]", "std::vector, ## heading [link]"),
    ],
)
def test_a_command_of_a_runner_is_shown_with_an_escape(text: str, shown: str) -> None:
    assert sanitise.hide_commands(text) == shown


@given(hostile_texts)
def test_no_text_holds_a_command_of_a_runner(text: str) -> None:
    assert not RUNNER_COMMAND.search(sanitise.hide_commands(text))


@given(hostile_texts)
def test_a_json_document_says_the_same_without_one(text: str) -> None:
    document = structured.dump_document(TextResult(text))
    assert not RUNNER_COMMAND.search(document)
    assert json.loads(document)["text"] == text


@given(hostile_texts, hostile_texts)
def test_no_line_or_table_of_a_screen_holds_one(first: str, second: str) -> None:
    stream = io.StringIO()
    screen = TextScreen(stream)
    screen.draw_line(first, (second, "bad"))
    screen.draw_unbroken("  ", (first, "dim"), second)
    row: tuple[Cell, ...] = ("", first, [first, (second, "good")])
    screen.draw_table([row, ("", "", second)], headers=("", first, second), fold=2)
    screen.write_page(f"| {first} |\n{second}\n")
    assert not RUNNER_COMMAND.search(stream.getvalue())


def test_what_is_left_of_a_line_keeps_its_style(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    TextScreen(stream).draw_line(("##[error]no", "bad"), " plain ::x")
    assert stream.getvalue() == "\x1b[31m#\x1b[0m\\x23\x1b[31m[error]no\x1b[0m plain ::x\n"
