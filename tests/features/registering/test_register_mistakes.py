"""Slips on the command line are named before anything else is asked for."""

from __future__ import annotations

import subprocess

import pytest

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import Repository


def test_a_placeholder_is_no_reason(first: Repository) -> None:
    said = assert_refused(first, "register", "digits", "--bump", "patch", "-m", "WHY", code=2)
    assert said == (
        "error: WHY stands for your own words: a version keeps them for ever\n"
        "hint: mlver register digits --bump patch -m WHY\n"
    )


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        (("--weights", "modle"), "modle does not exist, so it cannot be registered"),
        (("--data", "train=data/tran.csv"), "data/tran.csv does not exist"),
        (("--params", "parms.yaml"), "parms.yaml does not exist"),
        (("--metrics", "out/metrics.json"), "out/metrics.json does not exist"),
    ],
)
def test_a_path_that_leads_nowhere_is_named_before_uncommitted_code(
    first: Repository, words: tuple[str, ...], missing: str
) -> None:
    first.write("README.md", "changed")
    said = assert_refused(first, "register", "digits", "--bump", "patch", "-m", "x", *words)
    assert missing in said


def test_an_unset_variable_is_no_path(first: Repository) -> None:
    train_model(first, 2)
    words = ("register", "digits", "--bump", "patch", "-m", "x", "--weights", "")
    assert "--weights is empty, and takes PATH\n" in assert_refused(first, *words, code=2)


def test_what_a_checkout_could_not_restore_is_named(first: Repository) -> None:
    train_model(first, 2, commit=False)
    words = ("register", "digits", "--bump", "patch", "-m", "x", "--dry-run")
    said = assert_works(first, *words)
    assert (
        "note: HEAD does not have params.yaml, metrics.json as registered;"
        " once committed, checkout --inputs can restore them\n"
    ) in said
    told = read_document(first.mlver(*words, "--json"), "register")
    assert told["uncommitted"] == ["params.yaml", "metrics.json"]
    first.commit("Run 2")
    assert "HEAD does not have" not in assert_works(first, *words)


def test_files_of_a_folder_that_git_does_not_know_are_named_too(first: Repository) -> None:
    first.write("conf/params.yaml", "lr: 0.1\n")
    words = ("register", "digits", "--bump", "patch", "-m", "x", "--dry-run")
    said = assert_works(first, *words, "--params", "conf/params.yaml")
    assert "HEAD does not have conf/params.yaml as registered" in said


def test_what_programs_left_behind_is_proposed_to_be_left_out(first: Repository) -> None:
    first.write("model/.DS_Store", "of a desktop")
    words = ("register", "digits", "--bump", "patch", "-m", "x", "--dry-run")
    command = "printf '%s\\n' .DS_Store >> .mlverignore"
    said = assert_works(first, *words)
    assert f"leave out what programs left behind: {command}\n" in said
    subprocess.run(["sh", "-c", command], cwd=first.path, check=True)
    assert "left behind" not in assert_works(first, *words)


def test_what_is_left_out_of_a_version_is_named(first: Repository) -> None:
    first.write(".mlverignore", "config.json\ncache/\n*.tmp\n")
    first.write("model/cache/a", "1")
    first.write("model/x.tmp", "1")
    words = ("register", "digits", "--bump", "patch", "-m", "x", "--dry-run")
    said = assert_works(first, *words)
    left_out = "model/cache/, model/config.json, model/x.tmp"
    assert f"  left out by .mlverignore: {left_out}\n" in said
    assert (
        "warning: 1.0.0 has model/config.json, and .mlverignore left that out of 1.0.1\n"
        "  hint: cat -n -- .mlverignore\n"
    ) in said
    assert "warning: " in assert_works(first, "--quiet", *words)
    found = read_document(first.mlver(*words, "--json"), "register")
    assert found["left_out"] == left_out.split(", ")
    assert found["dropped"] == {"model/config.json": "1.0.0"}
    first.write(".mlverignore", "*.tmp\n")
    assert "warning: " not in assert_works(first, *words)
    (first.path / ".mlverignore").unlink()
    assert "left out" not in assert_works(first, *words)


def test_what_is_left_out_with_a_folder_is_named_too(first: Repository) -> None:
    first.write("model/cache/a", "1")
    assert_works(first, "register", "digits", "--bump", "patch", "-m", "x")
    first.write(".mlverignore", "cache/\n")
    # Without the folder, the weights are those of 1.0.0 again, which is the version before then.
    said = assert_works(first, "register", "digits", "--bump", "patch", "-m", "y", "--dry-run")
    assert "1.0.2  after 1.0.0\n" in said
    assert "warning: 1.0.1 has model/cache/a, and .mlverignore left that out of 1.0.2\n" in said
