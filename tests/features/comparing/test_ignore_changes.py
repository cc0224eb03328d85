"""`mlver status` and `mlver verify` where `.mlverignore` leaves out what a version pins."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository


@pytest.fixture
def littered(first: Repository) -> Repository:
    """A second version, which pins a file of the desktop's."""
    first.write("model/.DS_Store", "icons")
    assert_works(first, "register", "digits", "--bump", "patch", "-m", "Looked into the folder")
    return first


def read_change(repository: Repository) -> str | None:
    (model,) = read_document(repository.mlver("status", "--json"), "status")["models"]
    change: str | None = model["ignore_file"]
    return change


def test_without_the_file_nothing_is_left_out(littered: Repository) -> None:
    assert "weights, data and params are as registered" in assert_works(littered, "status")
    assert read_change(littered) is None


def test_status_says_that_the_file_changed_what_a_directory_holds(littered: Repository) -> None:
    littered.write(".mlverignore", ".DS_Store\n")
    littered.write("model/config.json", "{}")
    shown = assert_works(littered, "status")
    assert "digits 1.0.1  against the work tree" in shown
    assert "    −  .DS_Store\n" in shown
    assert (
        "  .mlverignore was added since 1.0.1, so a directory's digest can change though no file"
        " did\n"
    ) in shown
    littered.commit("Leave out what the desktop writes")
    assert_works(littered, "register", "digits", "--bump", "patch", "-m", "Without icons")
    assert read_change(littered) is None
    littered.write("model/config.json", "{ }")
    assert read_change(littered) is None
    littered.write(".mlverignore", "# only a remark\n\n.DS_Store\n")
    assert read_change(littered) is None
    littered.write(".mlverignore", "*.tmp\n")
    assert read_change(littered) == "changed"
    (littered.path / ".mlverignore").unlink()
    assert read_change(littered) == "removed"


def test_a_version_is_known_again_by_the_files_that_are_left_out_now(littered: Repository) -> None:
    littered.write(".mlverignore", ".DS_Store\n")
    littered.commit("Leave out what the desktop writes")
    littered.write("model/config.json", "{}")
    assert_works(littered, "register", "digits", "--bump", "patch", "-m", "Without icons")
    (littered.path / "model/.DS_Store").unlink()
    assert_works(littered, "checkout", "digits@1.0.1", "--force")
    assert (littered.path / "model/.DS_Store").read_text() == "icons"
    verified = read_document(littered.mlver("verify", "--json"), "verify")
    assert verified["ok"]
    assert [note for note in verified["notes"] if note["kind"] == "working"] == []
    assert "digits 1.0.1  against the work tree (the highest is 1.0.2)" in assert_works(
        littered, "status"
    )
    littered.write("model/.DS_Store", "other icons")
    assert "digits 1.0.0  against" in assert_works(littered, "status")


def test_a_file_that_cannot_be_used_is_told_by_name(first: Repository) -> None:
    first.write(".mlverignore", b"\xff\n")
    shown = assert_works(first, "status")
    assert "unreadable  model  .mlverignore cannot be used: line 1 is not UTF-8" in shown
    assert "next: cat -n -- .mlverignore" in shown


def test_a_folder_of_which_everything_is_left_out_is_not_missing(first: Repository) -> None:
    first.write(".mlverignore", "/model/\n!/model/\n/model/*\n")
    first.write("model/config.json", "other bytes, so that no version is held")
    shown = assert_works(first, "status")
    assert "missing" not in shown
    assert "unreadable  model  .mlverignore leaves out every file of it" in shown
    assert "next: cat -n -- .mlverignore" in shown
    for place in (first.path / "model").iterdir():
        place.unlink()
    assert "missing" in assert_works(first, "status")


def test_what_lies_there_as_registered_is_not_said_to_be_removed(littered: Repository) -> None:
    littered.write(".mlverignore", ".DS_Store\n")
    littered.commit("Leave out what the desktop writes")
    assert_works(littered, "checkout", "digits@1.0.1")
    shown = assert_works(littered, "status")
    assert "−" not in shown
    assert "  .mlverignore leaves model/.DS_Store out of the next version\n" in shown
    assert "weights, data and params are as registered" in shown
    (model,) = read_document(littered.mlver("status", "--json"), "status")["models"]
    assert (model["differs"], model["left_out"]) == (False, ["model/.DS_Store"])
    found = read_document(littered.mlver("diff", "digits@1.0.1", "--json"), "diff")
    assert {artifact["state"] for artifact in found["artifacts"]} == {"unchanged"}
    littered.write("model/.DS_Store", "other icons")
    assert "digits 1.0.0  against" in assert_works(littered, "status")
