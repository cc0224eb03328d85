"""`mlver log --params`: the story of parameters, with the data used and who did it."""

from __future__ import annotations

import json

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import Repository


def test_each_version_tells_old_and_new_values_data_and_people(second: Repository) -> None:
    train_model(second, 3)
    second.write("data/train.csv", "a,b\n1,2\n3,4\n")
    second.write("params.yaml", "lr: 0.003\ndepth: {min: 1, max: 4}\n")
    argv = ("--bump", "minor", "--update", "incremental", "--parent", "1.1.0", "-m", "Third")
    assert_works(second, "register", "digits", "--allow-dirty", *argv)
    document = read_document(second.mlver("log", "--params", "--json"), "params")
    third, middle, first = document["steps"]
    assert [step["version"] for step in document["steps"]] == ["1.2.0", "1.1.0", "1.0.0"]
    assert [(one["name"], one["change"], one["old"], one["new"]) for one in third["changes"]] == [
        ("lr", "changed", 0.002, 0.003),
        ("seed", "removed", 42, None),
        ("depth.min", "added", None, 1),
        ("depth.max", "added", None, 4),
    ]
    assert (third["before"], third["parent"], third["update"]) == ("1.1.0", "1.1.0", "incremental")
    assert [data["changed"] for data in third["data"]] == [True]
    assert (middle["unchanged"], middle["data"][0]["changed"]) == (1, False)
    assert (first["before"], first["author"]) == (None, "Kim <kim@example.org>")
    shown = assert_works(second, "log", "digits", "--params")
    assert "lr         0.002 → 0.003" in shown
    assert "seed       42 → (none)" in shown
    assert "data train  sha256:" in shown
    assert "other data than before" in shown
    assert "trained from 1.1.0, incremental" in shown


def test_values_that_look_alike_are_told_apart(second: Repository) -> None:
    second.write("params.yaml", "lr: '0.002'\nseed: 42.0\n")
    argv = ("--bump", "minor", "-m", "Third")
    assert_works(second, "register", "digits", "--allow-dirty", *argv)
    shown = assert_works(second, "log", "--params", "-n", "1")
    assert '0.002 → "0.002"' in shown
    assert "42 → 42.0" in shown
    assert "2 older versions: add --limit 3" in shown


def test_a_time_leaves_out_what_was_before(second: Repository) -> None:
    assert "no version of digits" in assert_works(
        second, "log", "--params", "--since", "2026-02-01"
    )
    assert (
        json.loads(assert_works(second, "log", "--params", "--since", "2026-01-02", "--json"))[
            "total"
        ]
        == 2
    )


def test_it_is_about_no_stage(second: Repository) -> None:
    assert_refused(second, "log", "--params", "--stage", "production", code=2)


def test_control_characters_do_nothing(second: Repository) -> None:
    second.write("params.yaml", 'lr: "\\e[2J"\n"\\e[31mseed": 1\n')
    argv = ("register", "digits", "--allow-dirty", "--bump", "minor", "-m", "\x1b[2Jgone")
    second.mlver(*argv)
    assert "\x1b" not in assert_works(second, "log", "--params")
