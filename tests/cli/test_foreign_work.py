"""Work of the person that is none of mlver's: staged, half done, or guarded by their hooks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.cli.results import digest_tree
from tests.conftest import CHECKOUT, Repository


@pytest.fixture
def busy(first: Repository) -> Repository:
    """With a change staged, another version of it in the work tree, and a second training."""
    train_model(first, 2)
    first.write("notes.txt", "staged\n")
    first.git("add", "notes.txt")
    first.write("notes.txt", "staged, then changed\n")
    return first


def state(repository: Repository) -> tuple[str, ...]:
    words = (
        "rev-parse HEAD",
        "for-each-ref",
        "ls-files --stage",
        "status --porcelain",
        "stash list",
    )
    files = (digest_tree(repository.path / name) for name in ("model", ".mlver"))
    return (
        *(repository.git(*word.split()) for word in words),
        *files,
        (repository.path / "notes.txt").read_text(),
    )


def hook(repository: Repository, name: str, script: str) -> None:
    path = repository.write(f".git/hooks/{name}", f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_staged_work_stays_staged_and_uncommitted(busy: Repository) -> None:
    staged = busy.git("ls-files", "--stage", "notes.txt")
    assert_works(busy, "register", "digits", "--bump", "minor", "--allow-dirty", "-m", "Second")
    assert busy.git("ls-files", "--stage", "notes.txt") == staged
    assert busy.git("status", "--porcelain") == "AM notes.txt"
    assert (busy.path / "notes.txt").read_text() == "staged, then changed\n"
    changed = busy.git("show", "--name-only", "--format=", "HEAD").split("\n")
    assert all(path.startswith(".mlver/") for path in changed)


@pytest.mark.parametrize("name", ["pre-commit", "commit-msg", "prepare-commit-msg"])
def test_a_hook_that_fails_undoes_everything(busy: Repository, name: str) -> None:
    hook(busy, name, "echo 'policy says no' >&2; exit 1")
    before = state(busy)
    said = assert_refused(
        busy, "register", "digits", "--bump", "minor", "--allow-dirty", "-m", "Second"
    )
    assert "  policy says no\n" in said
    assert "nothing was changed" in said
    assert state(busy) == before
    (busy.path / f".git/hooks/{name}").unlink()
    assert "digits 1.1.0" in assert_works(
        busy, "register", "digits", "--bump", "minor", "--allow-dirty", "-m", "Second"
    )


def test_a_hook_that_rewrites_the_record_is_found_out(busy: Repository) -> None:
    hook(
        busy,
        "pre-commit",
        "for f in .mlver/models/digits/versions/*; do echo '# tidy' >> $f; git add $f; done",
    )
    said = assert_refused(
        busy, "register", "digits", "--bump", "minor", "--allow-dirty", "-m", "Second"
    )
    assert "changed .mlver/models/digits/versions/1.1.0.yaml while" in said
    assert busy.git("tag") == "digits@v1.0.0"


def test_no_commit_leaves_a_pull_request_to_be_made(busy: Repository) -> None:
    head = busy.git("rev-parse", "HEAD")
    said = assert_works(
        busy,
        "register",
        "digits",
        "--bump",
        "minor",
        "--allow-dirty",
        "--no-commit",
        "-m",
        "Second",
    )
    assert "staged: git commit, and once it is merged: mlver tag\n" in said
    assert busy.git("rev-parse", "HEAD") == head
    assert "A  .mlver/models/digits/versions/1.1.0.yaml" in busy.git("status", "--porcelain")
    assert "unsealed" in assert_works(busy, "list")
    busy.git("commit", "--quiet", "--message", "Register digits 1.1.0")
    assert assert_works(busy, "tag").startswith("Sealed digits@v1.1.0")
    assert "unsealed" not in assert_works(busy, "list")


def test_a_git_of_the_persons_own_that_holds_the_index_is_waited_for(busy: Repository) -> None:
    lock = busy.path / ".git/index.lock"
    lock.touch()
    release = threading.Timer(0.5, lock.unlink)
    release.start()
    assert "digits 1.1.0" in assert_works(
        busy, "register", "digits", "--bump", "minor", "--allow-dirty", "-m", "Second"
    )
    release.join()


def test_a_git_that_outlives_a_killed_mlver_keeps_the_next_one_waiting(busy: Repository) -> None:
    started = busy.path / "started"
    hook(busy, "pre-commit", f"touch '{started}'; while test -e '{started}'; do sleep 0.05; done")
    command = [
        sys.executable,
        "-m",
        "mlver",
        "-C",
        os.fspath(busy.path),
        "register",
        "digits",
        "--bump",
        "minor",
    ]
    surroundings = {**os.environ, "PYTHONPATH": os.fspath(CHECKOUT)}
    killed = subprocess.Popen(
        [*command, "--allow-dirty", "-m", "Second"], env=surroundings, stdin=subprocess.DEVNULL
    )
    until = time.monotonic() + 60
    while not started.exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    killed.kill()
    killed.wait()
    said = assert_refused(
        busy, "--wait", "0", "register", "digits", "--bump", "minor", "--allow-dirty", "-m", "Third"
    )
    assert "another mlver is writing here: a program that process" in said
    (busy.path / ".git/hooks/pre-commit").unlink()
    started.unlink()
    done = busy.mlver("register", "digits", "--bump", "minor", "--allow-dirty", "-m", "Third")
    assert done.code == 0, done.err
    assert assert_works(busy, "verify", "--all").startswith("All is well")


def test_a_hook_that_refuses_a_rollback_leaves_the_files_too(repository: Repository) -> None:
    repository.write(".gitignore", "/model/\n")
    repository.commit("ignore")
    repository.mlver("init")
    for number, names in ((1, ("w.bin", "old.bin")), (2, ("w.bin", "new/deep.bin"))):
        for name in names:
            repository.write(f"model/{name}", f"{name} {number}\n")
        assert (
            repository.mlver(
                "register", "m", "--weights", "model", "--version", f"{number}.0.0", "-m", "x"
            ).code
            == 0
        )
        assert (
            repository.mlver("promote", f"m@{number}.0.0", "--to", "production", "-m", "x").code
            == 0
        )
    repository.write("model/w.bin", "never registered\n")
    before = {
        path: path.read_bytes()
        for path in sorted((repository.path / "model").rglob("*"))
        if path.is_file()
    }
    hook = repository.write(".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    done = repository.mlver("rollback", "m", "--stage", "production", "-m", "back", "--checkout")
    assert done.code == 3
    assert "nothing was changed" in done.err
    there = {
        path: path.read_bytes()
        for path in sorted((repository.path / "model").rglob("*"))
        if path.is_file()
    }
    assert there == before
    hook.unlink()
    assert (
        repository.mlver("rollback", "m", "--stage", "production", "-m", "back", "--checkout").code
        == 0
    )
    assert (repository.path / "model/w.bin").read_text() == "w.bin 1\n"
