"""Runs are removed on request, here and on a remote, and never one that a version came of."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.features.runs.trainings import QUICK, forge_run, list_references, shell


@pytest.fixture
def ran(second: Repository) -> list[str]:
    """Two runs, the names of their references."""
    for _ in range(2):
        assert_works(second, "run", *shell(QUICK))
    return list_references(second)


def read_id(reference: str) -> str:
    return reference.rpartition("/")[2]


def test_named_runs_are_removed_and_the_others_stay(second: Repository, ran: list[str]) -> None:
    assert_works(second, "run", *shell("true"))
    (kept,) = set(list_references(second)) - set(ran)
    words = [word for name in ran for word in ("--remove", read_id(name))]
    document = read_document(second.mlver("runs", *words, "--yes", "--json"), "removedruns")
    assert sorted(document["runs"]) == sorted(f"digits/{read_id(name)}" for name in ran)
    assert (document["remote"], document["there"]) == (None, [])
    assert list_references(second) == [kept]
    assert "there is no run" in assert_refused(second, "runs", *words, "--yes")
    assert_works(second, "verify", "--all")


def test_nothing_is_removed_before_somebody_agreed(second: Repository, ran: list[str]) -> None:
    said = assert_refused(second, "runs", "--remove", read_id(ran[0]))
    assert "nothing was removed: nobody agreed" in said
    assert f"mlver runs --remove digits/{read_id(ran[0])} --yes" in said
    told = assert_works(second, "runs", "--remove", read_id(ran[0]), "--dry-run")
    assert told == f"Would remove digits/{read_id(ran[0])} here\n"
    assert list_references(second) == ran


def test_a_run_that_a_version_names_stays(second: Repository, ran: list[str]) -> None:
    run = read_id(ran[1])
    register = ("register", "digits", "--bump", "minor", "-m", "From it", "--run", run)
    assert_works(second, *register, "--allow-dirty")
    words = ("runs", "--remove", read_id(ran[0]), "--remove", run, "--yes")
    assert "versions/1.2.0.yaml names it" in assert_refused(second, *words)
    assert list_references(second) == ran
    # The record is on another branch only.
    second.git("checkout", "--quiet", "-b", "other", "HEAD~1")
    assert not (second.path / ".mlver/models/digits/versions/1.2.0.yaml").exists()
    assert "versions/1.2.0.yaml names it" in assert_refused(second, *words)
    assert list_references(second) == ran


def test_a_run_of_a_record_that_is_not_committed_stays(second: Repository, ran: list[str]) -> None:
    register = ("register", "digits", "--bump", "minor", "-m", "From it", "--run", ran[0][-6:])
    assert_works(second, *register, "--no-commit", "--allow-dirty")
    assert "names it" in assert_refused(second, "runs", "--remove", ran[0][-6:], "--yes")


def test_a_run_that_cannot_be_read_is_removed(second: Repository) -> None:
    name = "refs/mlver/runs/digits/20261121T030405Z-0000aa"
    forge_run(second, name, {"run.yaml": b"rubbish: [\n"})
    assert_works(second, "runs", "--remove", "0000aa", "--yes")
    assert list_references(second) == []


def test_a_remote_keeps_its_runs_unless_it_is_named(
    second: Repository, ran: list[str], tmp_path: Path
) -> None:
    forge = tmp_path / "forge.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(forge)], check=True)
    second.git("remote", "add", "origin", forge.as_uri())
    second.git("push", "--quiet", "origin", "main")
    assert_works(second, "push", "--runs")
    assert_works(second, "runs", "--remove", read_id(ran[0]), "--yes")
    assert len(second.git("ls-remote", "origin", "refs/mlver/*").splitlines()) == 2
    words = ("runs", "--remove", read_id(ran[1]), "--yes", "--git-remote", "origin")
    assert assert_works(second, *words) == (
        f"Removed digits/{read_id(ran[1])} here and at origin\n"
    )
    assert second.git("ls-remote", "origin", "refs/mlver/*").split()[1:] == [ran[0]]
    assert list_references(second) == []


def test_packed_references_are_removed_as_well(second: Repository, ran: list[str]) -> None:
    second.git("pack-refs", "--all")
    assert_works(second, "runs", "--remove", read_id(ran[0]), "--yes")
    assert list_references(second) == [ran[1]]
