"""Text without styles does what rich's text does."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from mlver.terminal.plain_text import PlainText

WORDS = st.text(alphabet="ab 더…", max_size=30)


@given(WORDS, WORDS, st.integers(1, 12))
def test_it_does_what_rich_does(first: str, second: str, width: int) -> None:
    plain, styled = PlainText(first), Text(first)
    plain.append(second, "bold").append_text(PlainText(first))
    styled.append(second, "bold").append_text(Text(first))
    assert plain.plain == styled.plain
    assert (len(plain), plain.cell_len, bool(plain)) == (len(styled), styled.cell_len, bool(styled))
    assert plain[1:3].plain == styled[1:3].plain
    console = Console(width=200)
    wrapped = [line.plain for line in styled.wrap(console, width, overflow="fold")]
    assert [line.plain for line in plain.wrap(console, width, overflow="fold")] == wrapped
    plain.rstrip()
    styled.rstrip()
    plain.pad_left(2)
    styled.pad_left(2)
    plain.truncate(width, overflow="ellipsis")
    styled.truncate(width, overflow="ellipsis")
    assert plain.plain == styled.plain


@pytest.mark.parametrize("word", ["plain", "→"])
def test_a_pipe_of_ascii_needs_no_rich(word: str) -> None:
    program = (
        "import sys; from mlver.terminal.screen import TextScreen\n"
        f"screen = TextScreen(sys.stdout); screen.draw_table([['{word}', ('b', 'bold')]])\n"
        "print('rich.text' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"{word}  b\nFalse\n"
