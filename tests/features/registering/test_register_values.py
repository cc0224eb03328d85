"""What a person gives on the command line or in files and no record can hold is refused first."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

# What a byte that is not UTF-8 becomes on its way from the shell.
_ODD = "bad \udcff"


def _list_stored(repository: Repository) -> set[Path]:
    return {
        path for path in (repository.path / ".git/mlver").rglob("*") if "state" not in path.name
    }


def test_params_and_metrics_that_are_too_many_together_are_refused_first(
    first: Repository,
) -> None:
    text = json.dumps({f"key_{number}": number + 0.5 for number in range(110_000)})
    first.write("params.json", text)
    first.write("metrics.json", text)
    first.write("model/config.json", "{}\n")
    before = _list_stored(first)
    told = ("--params", "params.json", "--metrics", "metrics.json", "--allow-dirty")
    said = assert_refused(first, "register", "digits", "--bump", "patch", "-m", "x", *told)
    assert "params and metrics take 4," in said
    assert "bytes together, and a record has room for 3,932,160" in said
    assert said.endswith("hint: ls -l -- params.json metrics.json\n")
    assert _list_stored(first) == before


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("-m", _ODD), "the message"),
        (("-m", "x", "--label", f"team={_ODD}"), "the label team"),
        (("-m", "x", "--command", _ODD), "the command"),
        (("-m", "x", "--environment", _ODD), "the environment's folder"),
    ],
)
def test_text_that_is_not_utf_8_is_refused_by_its_option(
    first: Repository, options: tuple[str, ...], what: str
) -> None:
    said = assert_refused(first, "register", "digits", "--bump", "patch", *options, code=2)
    assert said.startswith(f"error: {what} is not UTF-8 text: ")
    assert "Traceback" not in said


@pytest.mark.parametrize("command", [("promote", "digits", "--to"), ("rollback", "--stage")])
def test_the_reason_of_a_move_is_utf_8(second: Repository, command: tuple[str, ...]) -> None:
    said = assert_refused(second, *command, "production", "-m", _ODD, code=2)
    assert said.startswith("error: the message is not UTF-8 text: ")


def test_a_version_in_which_nothing_changed_says_so(first: Repository) -> None:
    again = ("register", "digits", "--bump", "patch", "-m", "again", "--dry-run")
    values: list[str] = []
    record = read_document(first.mlver("show", "digits", "--json"), "show")
    for name, value in record["record"]["params"].items():
        values += ["--param", f"{name}={json.dumps(value)}"]
    for name, value in record["record"]["metrics"].items():
        values += ["--metric", f"{name}={value}"]
    note = "note: artifacts, params and metrics are all those of 1.0.0\n"
    assert note in assert_works(first, *again, *values)
    assert note not in assert_works(first, *again, *values, "--param", "unseen=1")
    assert note not in assert_works(first, *again, *values, "--metric", "unseen=1")
    first.write("model/added.txt", "added")
    assert note not in assert_works(first, *again, *values)
