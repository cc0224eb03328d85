"""Which fields `mlver compare` has rows for, which it counts, and how it quotes them."""

from __future__ import annotations

import io

from mlver.features.comparing.compare import ComparedRow, ComparedVersion, CompareResult
from mlver.features.comparing.compare_screen import draw_compare_markdown
from mlver.terminal.screen import TextScreen
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository


def test_an_empty_group_beside_one_with_members_is_no_field(first: Repository) -> None:
    for value in ("opt={}", "opt.lr=1"):
        words = ("register", "digits", "--bump", "patch", "-m", "x", "--allow-mixed")
        assert_works(first, *words, "--param", value)
    compared = read_document(first.mlver("compare", "digits@1.0.1", "1.0.2", "--json"), "compare")
    fields = [row["field"] for row in compared["rows"]]
    assert "params.opt.lr" in fields
    assert "params.opt" not in fields


def test_packages_are_not_counted_among_what_is_the_same(first: Repository) -> None:
    packages = first.path / ".venv/lib/python3.11/site-packages"
    for number in range(40):
        folder = packages / f"p{number}-1.0.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: p{number}\nVersion: 1.0\n")
    (first.path / ".venv/pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.7\n")
    for version in ("1.1.0", "1.2.0"):
        words = ("register", "digits", "--version", version, "-m", "x", "--allow-mixed")
        assert_works(first, *words, "--label", f"number={version}", "--environment", ".venv")
    shown = read_document(first.mlver("show", "digits@1.1.0", "--json"), "show")
    assert len(shown["record"]["environment"]["packages"]) == 40
    compared = read_document(first.mlver("compare", "digits@1.1.0", "1.2.0", "--json"), "compare")
    assert 0 < compared["same"] < 40
    assert "labels.number" in [row["field"] for row in compared["rows"]]


def test_a_bar_or_a_new_line_does_not_break_a_table() -> None:
    values = ("a|b", "c\nd", "`|`")
    row = ComparedRow(group="labels", field="labels.x|y", values=values, direction=None, best=())
    versions = tuple(ComparedVersion("m", f"1.{place}.0") for place in range(len(values)))
    stream = io.StringIO()
    draw_compare_markdown(CompareResult(versions=versions, rows=(row,), same=0), TextScreen(stream))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert [line.count("|") for line in lines] == [5, 5, 5]
    assert r"`c\nd`" in lines[2]
