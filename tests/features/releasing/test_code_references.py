"""The code commit of a version stays findable after a squash merge, wherever the branch went."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlver.project.edit import kept_code
from tests.cli.conftest import assert_works, train_model
from tests.cli.results import read_document
from tests.conftest import CHECKOUT, Repository

REFERENCE = "refs/mlver/code/digits/1.1.0"
# Killed where all is written, and what git wrote would be synced.
KILLED = """
import os, sys
from mlver.cli.main import main
from mlver.git import changes

changes.sync_git = lambda *arguments: os._exit(9)
main(sys.argv[1:])
"""


@pytest.fixture
def forge(first: Repository, tmp_path: Path) -> Repository:
    """A bare repository that `first`, on main, has as its origin."""
    created = Repository(tmp_path / "forge.git")
    first.git("init", "--quiet", "--bare", str(created.path))
    first.git("remote", "add", "origin", str(created.path))
    first.git("push", "--quiet", "--set-upstream", "origin", "main", "--tags")
    return created


def work_on_branch(first: Repository, *options: str) -> str:
    """Register 1.1.0 on a branch of its own, with new code; return the code's commit."""
    first.git("switch", "--quiet", "-c", "feat")
    first.write("train.py", "print('better')\n")
    code = first.commit("Better code")
    assert_works(first, "register", "digits", "--bump", "minor", "-m", "Better", *options)
    if options:
        first.commit("Register")
    return code


def squash_branch(first: Repository, forge: Repository) -> None:
    """Merge the branch as a forge's button does, and leave nothing of it anywhere."""
    first.git("switch", "--quiet", "main")
    first.git("merge", "--quiet", "--squash", "feat")
    first.commit("Better (#1)")
    first.git("push", "--quiet", "origin", "main")
    first.git("branch", "-D", "feat")
    if forge.git("branch", "--list", "feat"):
        first.git("push", "--quiet", "--no-verify", "origin", ":feat")


def clone(forge: Repository, tmp_path: Path, *options: str) -> Repository:
    forge.git("reflog", "expire", "--expire=now", "--all")
    forge.git("gc", "--quiet", "--prune=now")
    cloned = Repository(tmp_path / "clone")
    forge.git("clone", "--quiet", *options, f"file://{forge.path}", str(cloned.path))
    return cloned


def find_lost_code(repository: Repository, version: str) -> Any:
    shown = repository.mlver("show", f"digits@{version}", "--json")
    return read_document(shown, "show")["lost_code"]


def test_register_keeps_the_code_commit(first: Repository) -> None:
    code = work_on_branch(first)
    assert first.git("rev-parse", REFERENCE) == code


@pytest.mark.parametrize("command", [("tag", "--push"), ("release",)], ids=" ".join)
@pytest.mark.parametrize("options", [(), ("--no-commit",)], ids=["committed", "staged"])
def test_a_squash_merge_leaves_the_code_findable(
    first: Repository,
    forge: Repository,
    tmp_path: Path,
    options: tuple[str, ...],
    command: tuple[str, ...],
) -> None:
    code = work_on_branch(first, *options)
    if not options:
        first.git("tag", "-d", "digits@v1.1.0")
    squash_branch(first, forge)
    assert_works(first, *command)
    assert forge.git("rev-parse", REFERENCE) == code
    cloned = clone(forge, tmp_path)
    shown = find_lost_code(cloned, "1.1.0")
    fetch = f"git fetch origin {REFERENCE}:{REFERENCE}"
    assert shown["hints"] == [fetch]
    screen = cloned.mlver("show", "digits@1.1.0").out
    assert "lost" in screen
    assert fetch in screen
    checked = cloned.mlver("verify", "--all")
    assert checked.code == 0, checked.out
    assert f"digits@1.1.0 was made from the commit {code[:10]}, which is not in this" in checked.out
    assert "which is not in this" in cloned.mlver("doctor").out
    cloned.git(*fetch.split()[1:])
    assert find_lost_code(cloned, "1.1.0") is None
    assert "digits@1.1.0 was made" not in cloned.mlver("verify", "--all").out


def test_a_commit_that_git_may_drop_is_told_and_can_be_kept(first: Repository) -> None:
    code = work_on_branch(first)
    first.git("update-ref", "-d", REFERENCE)
    first.git("tag", "-d", "digits@v1.1.0")
    first.git("switch", "--quiet", "main")
    first.git("merge", "--quiet", "--squash", "feat")
    first.commit("Better (#1)")
    first.git("branch", "-D", "feat")
    lost = find_lost_code(first, "1.1.0")
    assert "in no branch or tag here" in lost["message"]
    assert lost["hints"] == [f"git update-ref {REFERENCE} {code}"]
    assert "in no branch or tag here" in first.mlver("verify").out
    assert_works(first, "tag")
    assert first.git("rev-parse", REFERENCE) == code


def test_a_comparison_names_what_fetches_a_lost_commit(
    first: Repository, forge: Repository, tmp_path: Path
) -> None:
    code = work_on_branch(first)
    squash_branch(first, forge)
    first.git("push", "--quiet", "origin", f"{REFERENCE}:{REFERENCE}")
    cloned = clone(forge, tmp_path)
    compared = cloned.mlver("diff", "digits@1.0.0", "@1.1.0")
    command = f"git fetch origin {REFERENCE}:{REFERENCE}"
    assert f"a commit is not in this clone\nhint: {command}\n" in compared.out
    cloned.git(*command.split()[1:])
    assert code[:10] in cloned.mlver("diff", "digits@1.0.0", "@1.1.0").out


def test_without_a_remote_no_command_is_named(
    first: Repository, forge: Repository, tmp_path: Path
) -> None:
    work_on_branch(first, "--no-commit")
    squash_branch(first, forge)
    cloned = clone(forge, tmp_path)
    cloned.git("remote", "remove", "origin")
    lost = find_lost_code(cloned, "1.1.0")
    assert "which is not in this clone" in lost["message"]
    assert lost["hints"] == []


def test_only_a_shallow_clone_is_told_to_fetch_the_rest(
    first: Repository, forge: Repository, tmp_path: Path
) -> None:
    cloned = clone(forge, tmp_path, "--depth", "1")
    lost = find_lost_code(cloned, "1.0.0")
    assert lost["hints"][0] == "git fetch --unshallow origin"
    cloned.git("fetch", "--quiet", "--unshallow", "origin")
    assert find_lost_code(cloned, "1.0.0") is None


def test_a_remote_that_takes_no_such_reference_is_told(
    first: Repository, forge: Repository
) -> None:
    work_on_branch(first)
    squash_branch(first, forge)
    first.git("tag", "-d", "digits@v1.1.0")
    hook = forge.path / "hooks/update"
    hook.write_text(
        '#!/bin/sh\ncase "$1" in refs/mlver/*) echo "no such names here"; exit 1;; esac\n'
    )
    hook.chmod(0o755)
    done = first.mlver("release")
    assert done.code == 0, done.err
    assert "origin did not take the code commits" in done.err
    assert forge.git("tag", "--list", "digits@v1.1.0")
    assert forge.git("for-each-ref", "refs/mlver") == ""


def test_another_commit_at_the_remote_is_told_and_left(
    first: Repository, forge: Repository
) -> None:
    work_on_branch(first)
    squash_branch(first, forge)
    first.git("tag", "-d", "digits@v1.1.0")
    other = first.git("rev-parse", "main~1")
    first.git("push", "--quiet", "origin", f"{other}:{REFERENCE}")
    done = first.mlver("tag", "--push")
    assert done.code == 0, done.err
    assert "the one there was left as it is" in done.err
    assert forge.git("rev-parse", REFERENCE) == other


def test_a_push_takes_the_code_commit_along(
    first: Repository, forge: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hook finds mlver
    assert_works(first, "hook", "install")
    code = work_on_branch(first, "--no-commit")
    first.git("push", "--quiet", "origin", "feat")
    assert forge.git("rev-parse", REFERENCE) == code


def test_a_killed_run_is_settled_with_its_reference(
    first: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(kept_code, "keep_code", die)
        first.git("switch", "--quiet", "-c", "feat")
        code = first.git("rev-parse", "HEAD")
        patch.setattr("mlver.project.edit.edit.recover_edit", die)
        done = first.mlver("register", "digits", "--bump", "minor", "-m", "Better")
        assert done.code == 130, done
    assert first.git("for-each-ref", REFERENCE) == ""
    assert "completed `register digits 1.1.0`" in first.mlver("tag").err
    assert first.git("rev-parse", REFERENCE) == code
    assert first.git("tag", "--list", "digits@v1.1.0")


def test_a_broken_reference_hides_no_version(first: Repository) -> None:
    broken = first.path / ".git/refs/heads/broken"
    broken.write_text("1234567890" * 4 + "\n")
    assert find_lost_code(first, "1.0.0") is None


def test_a_reference_in_the_way_leaves_a_version_without_its_seal(first: Repository) -> None:
    first.git("update-ref", "-d", "refs/mlver/code/digits/1.0.0")
    first.git("update-ref", "refs/mlver/code", "HEAD")
    registered = first.mlver("register", "digits", "--bump", "minor", "-m", "Better")
    assert registered.code == 3
    assert "git could not keep the code commit" in registered.err
    assert "`register digits 1.1.0` is committed, but git refused its tag" in registered.err
    assert "git for-each-ref refs/mlver" in registered.err
    first.git("update-ref", "-d", "refs/mlver/code")
    assert_works(first, "tag")
    assert first.git("rev-parse", "HEAD~") == first.git("rev-parse", REFERENCE)
    assert first.git("tag", "--list", "digits@v1.1.0")


def test_a_reference_that_a_power_cut_took_comes_back_beside_its_tag(first: Repository) -> None:
    """Killed once the tag is there; of the two names, the disk kept the tag's."""
    train_model(first, 2)
    code = first.git("rev-parse", "HEAD")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, "register", "digits", "--bump", "minor", "-m", "x"],
        cwd=first.path,
        env={**os.environ, "PYTHONPATH": os.fspath(CHECKOUT)},
        check=False,
    )
    assert done.returncode == 9
    sealed = first.git("rev-parse", "digits@v1.1.0")
    first.git("update-ref", "-d", REFERENCE)
    assert first.mlver("doctor", "--fix").code == 0
    assert first.git("rev-parse", REFERENCE) == code
    assert first.git("rev-parse", "digits@v1.1.0") == sealed
