"""What a person sees: nothing they need is cut, no command is broken, a pipe has no colours."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest

from mlver.errors import InvalidDocument, MlverError
from mlver.terminal import failure
from mlver.terminal.screen import Cell, TextScreen, measure_width, shows_ascii_only

KOREAN = "더 넓은 레이어로 다시 학습했습니다"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Draw = Callable[[TextScreen], None]


def seen(draw: Draw, width: int, monkeypatch: pytest.MonkeyPatch, *, term: str = "dumb") -> str:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", str(width))
    stream = Terminal()
    screen = TextScreen(stream)
    monkeypatch.setattr(type(screen.rich_console), "width", width)
    draw(screen)
    return stream.getvalue()


def piped(draw: Draw) -> str:
    stream = io.StringIO()
    draw(TextScreen(stream))
    return stream.getvalue()


def test_a_note_between_two_lines_takes_no_style_from_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Results on stdout and notes on stderr are drawn in turn, here from within a table."""
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    ascii_stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    notes, results = TextScreen(ascii_stream), io.StringIO()

    def make_rows() -> Iterator[list[Cell]]:
        for row in ("a → b", "c…"):
            notes.draw_note("x → y")
            yield [row]

    TextScreen(results).draw_table(make_rows())
    assert results.getvalue() == "a → b\nc…\n"
    ascii_stream.flush()
    assert ascii_stream.buffer.getvalue() == 2 * b"note: x -> y\n"


def test_a_line_goes_on_below_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(screen: TextScreen) -> None:
        screen.draw_line(
            "  ", ("metrics", "bold"), "  accuracy 0.91, log_loss 0.5, bleu 31.4", hang=9
        )

    assert seen(draw, 40, monkeypatch) == (
        "  metrics  accuracy 0.91, log_loss 0.5,\n           bleu 31.4\n"
    )
    assert piped(draw) == "  metrics  accuracy 0.91, log_loss 0.5, bleu 31.4\n"


def test_a_command_is_never_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    error = MlverError("no " * 30, hint="mlver register digits " + "--data a=b " * 10 + "-m WHY")
    shown = seen(
        lambda screen: failure.draw_failure(failure.describe_error(error), screen), 40, monkeypatch
    )
    assert shown.splitlines()[-1] == f"hint: {error.hint}"
    assert all(len(line) <= 40 for line in shown.splitlines()[:-1])


@pytest.mark.parametrize(
    ("where", "hint"),
    [
        (
            ".mlver/models/m/versions/1.0.0.yaml",
            "hint: git log -p -- .mlver/models/m/versions/1.0.0.yaml\n",
        ),
        (".mlver/models/m/model.yaml", "hint: mlver verify\n"),
        # Only its writer knows what it should say, and the faults name the lines.
        ("params.yaml", ""),
    ],
)
def test_a_file_that_is_not_valid_has_the_hint_of_its_kind(where: str, hint: str) -> None:
    invalid = failure.describe_error(InvalidDocument(where, ("line 1: a", "line 2: b")))
    shown = piped(lambda screen: failure.draw_failure(invalid, screen))
    assert shown == f"error: {where} is not valid:\n  line 1: a\n  line 2: b\n{hint}"


ROWS: list[list[Cell]] = [
    [("1.1.0", "bold"), "0.94", "retrained on the whole of the third quarter"],
    [("1.0.0", "bold"), "10", KOREAN],
]


def table(screen: TextScreen) -> None:
    screen.draw_table(ROWS, headers=("version", "score", "message"), right=(1,), indent=2, fold=2)


def test_a_table_in_a_pipe_is_aligned_and_never_wrapped() -> None:
    assert piped(table) == (
        "  version  score  message\n"
        "  1.1.0     0.94  retrained on the whole of the third quarter\n"
        f"  1.0.0       10  {KOREAN}\n"
    )


def test_a_narrow_table_wraps_the_column_that_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(table, 46, monkeypatch) == (
        "  version  score  message\n"
        "  1.1.0     0.94  retrained on the whole of\n"
        "                  the third quarter\n"
        "  1.0.0       10  더 넓은 레이어로 다시\n"
        "                  학습했습니다\n"
    )


def test_a_table_too_narrow_for_that_puts_the_column_below(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen(table, 40, monkeypatch) == (
        "  version  score\n"
        "  1.1.0     0.94\n"
        "           retrained on the whole of the\n"
        "           third quarter\n"
        "  1.0.0       10\n"
        "           더 넓은 레이어로 다시\n"
        "           학습했습니다\n"
    )


def test_only_what_is_told_to_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(screen: TextScreen) -> None:
        screen.draw_table(ROWS, fold=2, cut=True)

    shown = seen(draw, 40, monkeypatch).splitlines()
    assert shown[0] == "1.1.0  0.94  retrained on the whole of …"
    assert measure_width(shown[1]) <= 40
    assert shown[1].startswith("1.0.0  10    더 넓은")
    assert shown[1].endswith("…")
    assert "학습했습니다" in piped(draw)


def test_wide_letters_take_two_columns() -> None:
    rows: list[list[Cell]] = [["한국어", "1"], ["ab", "2"]]
    assert piped(lambda screen: screen.draw_table(rows)) == "한국어  1\nab      2\n"


def test_rows_may_end_early() -> None:
    rows: list[list[Cell]] = [["a", "b", "c"], ["longer"]]
    assert piped(lambda screen: screen.draw_table(rows, fold=2)) == "a       b  c\nlonger\n"
    assert piped(lambda screen: screen.draw_table([])) == ""


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(screen: TextScreen) -> None:
        screen.draw_line(("All is well", "good"))

    assert "\x1b[32mAll is well\x1b[0m" in seen(draw, 80, monkeypatch, term="xterm")
    assert seen(draw, 80, monkeypatch, term="dumb") == "All is well\n"
    assert piped(draw) == "All is well\n"
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[3" not in seen(draw, 80, monkeypatch, term="xterm")


def test_colour_breaks_no_line_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job on GitHub obeys a line that begins with `::`, with blanks before it or without."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    evil = "word " * 13 + "::set-output name=action::promote"

    def draw(screen: TextScreen) -> None:
        screen.draw_table([["message", evil]], indent=2, fold=1)
        screen.draw_line("  broken  ", evil, hang=2)

    lines = piped(draw).splitlines()
    assert len(lines) == 2
    assert not any(line.lstrip().startswith("::") for line in lines)


@pytest.mark.parametrize("term", ["dumb", "xterm"])
def test_what_others_wrote_never_acts_on_the_terminal(
    term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "\x1b[2J\x9b31m\u202egnp\u2066\r\n\t[red]x[/red]:smile:"

    def draw(screen: TextScreen) -> None:
        screen.draw_line(evil)
        screen.draw_unbroken((evil, "bold"))
        screen.draw_table([[evil, (evil, "dim")]], headers=(evil, evil), fold=1)

    for shown in (seen(draw, 400, monkeypatch, term=term), piped(draw)):
        left = shown.replace("\x1b[1m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")
        assert not set(left) & set("\x1b\x9b\u202e\u2066\r\t")
        assert left.count("\\x1b[2J\\x9b31m\\u202egnp\\u2066\\r\\n\\t[red]x[/red]:smile:") == 6


def draw_arrows(screen: TextScreen) -> None:
    screen.draw_table([["1.0.0 → 1.1.0", "−3"], ["1.1.0", "4"]], right=(1,))
    screen.draw_table([["a long message that is cut"]], fold=0, cut=True)
    screen.draw_unbroken("mlver checkout -- 'a → b'")
    screen.draw_line(KOREAN)


def test_what_shows_ascii_only_gets_ascii_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = seen(draw_arrows, 20, monkeypatch)
    assert drawn.splitlines()[0] == "1.0.0 → 1.1.0  −3"
    monkeypatch.setenv("LC_ALL", "C")
    assert seen(draw_arrows, 20, monkeypatch).splitlines() == [
        "1.0.0 -> 1.1.0  -3",
        "1.1.0            4",
        "a long message that~",
        # A command is to be copied, and means the file that is there.
        "mlver checkout -- 'a → b'",
        *drawn.splitlines()[4:],
    ]


@pytest.mark.parametrize(
    ("encoding", "variables", "expected"),
    [
        ("utf-8", {}, False),
        ("UTF8", {"LANG": "ko_KR.UTF-8"}, False),
        ("utf-8", {"LANG": "C"}, True),
        ("utf-8", {"LC_ALL": "C.UTF-8", "LANG": "C"}, False),
        ("utf-8", {"LC_ALL": "POSIX", "LANG": "ko_KR.UTF-8"}, True),
        ("ascii", {}, True),
        ("latin-1", {"LC_ALL": "de_DE"}, True),
    ],
)
def test_who_shows_ascii_only(
    encoding: str, variables: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with io.TextIOWrapper(io.BytesIO(), encoding) as stream:
        assert shows_ascii_only(stream) is expected
