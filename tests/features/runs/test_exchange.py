"""Two clones record runs and push them: nothing clashes, and what is no run is refused by name."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path
from typing import Any

import git
import pytest

from tests.cli.conftest import assert_refused, assert_works, copy_repository
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.document.documents import RUN_TEXT
from tests.features.runs.trainings import forge_run, list_references, read_runs, shell


@pytest.fixture
def forge(second: Repository, tmp_path: Path) -> Path:
    place = tmp_path / "forge.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(place)], check=True)
    second.git("remote", "add", "origin", place.as_uri())
    second.git("push", "--quiet", "origin", "main")
    return place


def list_forged(forge: Path) -> list[str]:
    listing = subprocess.run(
        ["git", "for-each-ref", "--format=%(refname)", "refs/mlver"],
        cwd=forge,
        check=True,
        capture_output=True,
    )
    return listing.stdout.decode().split()


def test_two_clones_push_their_runs_without_a_clash(
    second: Repository, forge: Path, tmp_path: Path
) -> None:
    other = copy_repository(second, tmp_path / "other")
    for repository, count in ((second, 2), (other, 1)):
        for _ in range(count):
            assert_works(repository, "run", *shell("true"))
    assert assert_works(second, "push", "--runs") == "Sent 2 runs to origin\n"
    assert assert_works(other, "push", "--runs") == "Sent 1 run to origin\n"
    assert len(list_forged(forge)) == 3
    assert assert_works(second, "pull", "--runs") == "Fetched 1 run from origin\n"
    assert assert_works(other, "pull", "--runs") == "Fetched 2 runs from origin\n"
    assert list_references(second) == list_references(other) == list_forged(forge)
    assert assert_works(other, "push", "--runs") == "origin has all 3 runs already\n"
    assert assert_works(other, "pull", "--runs") == "all 3 runs of origin are here already\n"
    assert len(read_runs(other)) == 3
    second.git("fsck", "--strict", "--no-dangling")


def test_a_run_of_another_clone_can_be_registered(
    second: Repository, forge: Path, tmp_path: Path
) -> None:
    other = copy_repository(second, tmp_path / "other")
    assert_works(second, "run", *shell("echo theirs > model/weights.safetensors"))
    assert_works(second, "push", "--runs")
    assert_works(other, "pull", "--runs")
    run = read_runs(other)[0].record.run
    other.write("model/weights.safetensors", "theirs\n")
    assert_works(other, "register", "digits", "--bump", "minor", "-m", "Theirs", "--run", run)


def test_neither_touches_branches_or_tags(second: Repository, forge: Path) -> None:
    second.write("more.py", "print()\n")
    second.commit("Not pushed")
    assert_works(second, "run", *shell("true"))
    assert_works(second, "push", "--runs")
    assert second.git("rev-parse", "HEAD~1") == second.git("rev-parse", "origin/main")
    assert all(name.startswith("refs/mlver/runs/") for name in list_forged(forge))


def test_a_dry_run_sends_and_fetches_nothing(
    second: Repository, forge: Path, tmp_path: Path
) -> None:
    other = copy_repository(second, tmp_path / "other")
    assert_works(second, "run", *shell("true"))
    assert assert_works(second, "push", "--runs", "--dry-run") == "Would send 1 run to origin\n"
    assert list_forged(forge) == []
    assert_works(second, "push", "--runs")
    document = read_document(other.mlver("pull", "--runs", "--dry-run", "--json"), "broughtruns")
    assert len(document["runs"]) == 1
    assert list_references(other) == []


HOSTILE = {
    "refs/mlver/runs/digits/20261121T030405Z-0000aa": "not its own",
    "refs/mlver/runs/digits/latest": "names no run",
    "refs/mlver/runs/a/b/20261121T030405Z-0000aa": "names no run",
}


def test_what_is_no_run_is_not_taken_and_stops_no_other(
    second: Repository, forge: Path, tmp_path: Path
) -> None:
    other = copy_repository(second, tmp_path / "other")
    assert_works(second, "run", *shell("true"))
    for reference in HOSTILE:
        forge_run(second, reference, {"run.yaml": RUN_TEXT})
    refused = second.mlver("push", "--runs")
    assert refused.code == 1
    assert len(list_forged(forge)) == 1
    second.git("push", "--quiet", "origin", *(f"{name}:{name}" for name in HOSTILE))
    done = other.mlver("pull", "--runs")
    assert done.code == 1
    for reference, fault in HOSTILE.items():
        assert reference.removeprefix("refs/mlver/runs/") in done.out
        assert fault in done.out
    assert len(list_references(other)) == 1


def test_a_run_with_more_than_a_run_in_it_is_not_taken(
    second: Repository, forge: Path, tmp_path: Path
) -> None:
    other = copy_repository(second, tmp_path / "other")
    name = "refs/mlver/runs/translate_kr2en/20261121T030405Z-1a2b3c"
    forge_run(second, name, {"run.yaml": RUN_TEXT, "extra": b"x"})
    assert "holds extra" in second.mlver("push", "--runs").out
    second.git("push", "--quiet", "origin", f"{name}:{name}")
    assert "holds extra" in other.mlver("pull", "--runs").out
    follower = second.git("commit-tree", f"{name}^{{tree}}", "-p", "HEAD", "-m", "follows")
    second.git("push", "--quiet", "--force", "origin", f"{follower}:{name}")
    done = other.mlver("pull", "--runs")
    assert (done.code, list_references(other)) == (1, [])
    assert "follows other commits" in done.out


def test_a_run_that_is_another_there_is_named_and_not_moved(
    second: Repository, forge: Path, tmp_path: Path
) -> None:
    other = copy_repository(second, tmp_path / "other")
    assert_works(second, "run", *shell("true"))
    assert_works(second, "push", "--runs")
    (name,) = list_references(second)
    forge_run(other, name, {"run.yaml": RUN_TEXT})
    before = other.git("rev-parse", name)
    for command in ("push", "pull"):
        done = other.mlver(command, "--runs")
        assert done.code == 1
        assert "names another commit here than at origin" in done.out
    assert other.git("rev-parse", name) == before
    assert second.git("ls-remote", "origin", name).split()[0] == second.git("rev-parse", name)


def test_a_fault_of_this_machine_is_not_blamed_on_the_remote(
    second: Repository, forge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_works(second, "run", *shell("true"))
    start = git.cmd.safer_popen

    def fail(command: list[str], **options: Any) -> Any:
        if "push" in command:
            raise OSError(errno.EIO, "Input/output error")
        return start(command, **options)

    with monkeypatch.context() as patched:
        patched.setattr(git.cmd, "safer_popen", fail)
        said = assert_refused(second, "push", "--runs")
    assert "starting git to push references to origin failed: Input/output error" in said
    assert list_forged(forge) == []


@pytest.mark.parametrize(
    "words",
    [
        ("push", "--runs", "digits"),
        ("push", "--runs", "--objects"),
        ("pull", "--runs", "--all"),
        ("pull", "--git-remote", "origin"),
        ("--offline", "pull", "--runs"),
    ],
)
def test_what_contradicts_runs_is_refused(
    second: Repository, forge: Path, words: tuple[str, ...]
) -> None:
    assert_refused(second, *words, code=2)


def test_without_a_remote_there_is_nobody_to_exchange_with(second: Repository) -> None:
    assert "there is no remote of git" in assert_refused(second, "push", "--runs")
