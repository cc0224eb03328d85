"""What a version inherits: what describes the model and its artifacts, not what describes one
version.
"""

from __future__ import annotations

from typing import Any

import pytest

import mlver
from mlver.document.codec import decode_document
from tests.cli.conftest import assert_refused, assert_works
from tests.conftest import Repository

SETTINGS = ".mlver/models/digits/model.yaml"


def register_again(repository: Repository, *words: str) -> Any:
    """The record of the version that one more registration makes."""
    assert_works(repository, "register", "digits", "--bump", "patch", "-m", "Again", *words)
    record = mlver.versions("digits", path=repository.path)[-1].record
    return record.to_document()


def read_settings(repository: Repository) -> dict[str, Any]:
    return decode_document("model", (repository.path / SETTINGS).read_bytes(), SETTINGS)


def test_a_command_given_once_is_of_one_version(first: Repository) -> None:
    before = (first.path / SETTINGS).read_bytes()
    assert register_again(first, "--command", "make all")["environment"]["command"] == "make all"
    assert (first.path / SETTINGS).read_bytes() == before
    assert "command" not in register_again(first)["environment"]


def test_a_command_of_the_model_is_of_every_version_that_is_given_no_other(
    first: Repository,
) -> None:
    assert_works(first, "config", "set", "--model", "digits", "command", "make all")
    assert register_again(first)["environment"]["command"] == "make all"
    assert register_again(first, "--command", "make")["environment"]["command"] == "make"
    assert register_again(first)["environment"]["command"] == "make all"


def test_labels_of_the_model_are_inherited_and_those_of_a_version_are_not(
    first: Repository,
) -> None:
    for key, value in (("team", "vision"), ("example.org/site", "a b")):
        assert_works(first, "config", "set", "--model", "digits", f"labels.{key}", value)
    both = {"team": "vision", "example.org/site": "a b"}
    assert register_again(first)["labels"] == both
    given = register_again(first, "--label", "team=speech", "--label", "ticket=7")
    assert given["labels"] == {**both, "team": "speech", "ticket": "7"}
    assert register_again(first)["labels"] == both


def test_what_describes_the_model_and_its_artifacts_is_kept(first: Repository) -> None:
    words = ("--license", "weights=MIT", "--license", "train=CC-BY-4.0", "--batch", "train=Q3")
    record = register_again(first, *words, "--owner", "Kim", "--description", "Reads digits")
    for version in (record, register_again(first)):
        assert version["weights"]["license"] == "MIT"
        assert version["data"]["train"]["license"] == "CC-BY-4.0"
        assert version["data"]["train"]["batch"] == "Q3"
    settings = read_settings(first)
    assert (settings["owner"], settings["description"]) == ("Kim", "Reads digits")
    assert register_again(first, "--batch", "train=Q4")["data"]["train"]["batch"] == "Q4"


def test_a_program_says_the_same(first: Repository) -> None:
    mlver.register(
        "digits",
        "from Python",
        bump="patch",
        licenses={"weights": "MIT"},
        batches={"train": "Q3"},
        owner="Kim",
        description="Reads digits",
        command="make",
        path=first.path,
    )
    record = mlver.versions("digits", path=first.path)[-1].record
    assert (record.weights.license, record.data["train"].batch) == ("MIT", "Q3")
    settings = read_settings(first)
    assert (settings["owner"], settings["description"]) == ("Kim", "Reads digits")
    assert "command" not in settings


@pytest.mark.parametrize(
    ("words", "message", "code"),
    [
        (("--license", "test=MIT"), "--license names `test`, which is no artifact of digits", 2),
        (("--batch", "test=Q3"), "--batch names `test`, which is no artifact of digits", 2),
        (("--owner", " "), "--owner says nothing; give it a text", 2),
        (("--owner", "Kim\nLee"), "owner: `Kim\n", 3),
        (("--license", "train=a\nb"), "data.train.license: `a\n", 3),
        (("--description", "\udcff"), "--description is not UTF-8 text", 2),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_stored(
    first: Repository, words: tuple[str, ...], message: str, code: int
) -> None:
    first.write("model/new.bin", "new weights")
    objects = first.path / ".git/mlver"
    before = sorted(objects.rglob("*"))
    said = assert_refused(first, "register", "digits", "-m", "x", *words, code=code)
    assert message in said
    assert sorted(objects.rglob("*")) == before
