"""A commit that is checked out apart has all of its files, and writes nothing in the repository."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from mlver.git.detached import apply_changes, check_out_apart
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from tests.conftest import Repository


def list_git_files(repository: Repository) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for folder, _, names in os.walk(repository.path / ".git"):
        for name in names:
            path = Path(folder, name)
            files[str(path)] = path.read_bytes()
    return files


def check_out(repository: Repository, folder: Path) -> None:
    head = repository.git("rev-parse", "HEAD")
    check_out_apart(GitRepository.find(repository.path), head, folder)


def ask_git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)
    return done.stdout.decode()


def test_all_files_come_and_git_works_there(repository: Repository, tmp_path: Path) -> None:
    repository.write("run.sh", "#!/bin/sh\n").chmod(0o755)
    repository.write("a/b c.txt", "text\n")
    repository.commit("Code")
    before = list_git_files(repository)
    folder = tmp_path / "apart"
    check_out(repository, folder)
    assert list_git_files(repository) == before
    assert (folder / "a/b c.txt").read_text() == "text\n"
    assert os.access(folder / "run.sh", os.X_OK)
    assert ask_git(folder, "status", "--porcelain") == ""
    assert ask_git(folder, "log", "-1", "--format=%s") == "Code\n"
    assert "apart" not in repository.git("worktree", "list")


def test_filters_and_sparse_settings_of_the_repository_do_as_they_should(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write(".gitattributes", "*.up filter=up\n")
    repository.write("x.up", "word\n")
    repository.write("other/y.txt", "y\n")
    repository.commit("Code")
    repository.git("config", "filter.up.smudge", "tr a-z A-Z")
    repository.git("sparse-checkout", "set", "--no-cone", "/x.up")
    folder = tmp_path / "apart"
    check_out(repository, folder)
    assert (folder / "x.up").read_text() == "WORD\n"
    assert (folder / "other/y.txt").exists()


def test_no_hook_runs(repository: Repository, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    hook = repository.path / ".git/hooks/post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
    hook.chmod(0o755)
    check_out(repository, tmp_path / "apart")
    assert not canary.exists()


def test_changes_are_applied_to_the_files(repository: Repository, tmp_path: Path) -> None:
    repository.write("a.txt", "one\n")
    repository.write("b.bin", b"\0\1")
    repository.commit("Code")
    repository.write("a.txt", "two\n")
    repository.write("b.bin", b"\0\2")
    diff = subprocess.run(
        ["git", "diff", "--binary", "HEAD"], cwd=repository.path, check=True, capture_output=True
    ).stdout
    folder = tmp_path / "apart"
    check_out(repository, folder)
    apply_changes(folder, diff)
    assert (folder / "a.txt").read_text() == "two\n"
    assert (folder / "b.bin").read_bytes() == b"\0\2"


@pytest.mark.parametrize("path", ["../escaped", ".git/hooks/x", "link/escaped"])
def test_changes_that_lead_out_are_refused(
    repository: Repository, tmp_path: Path, path: str
) -> None:
    (repository.path / "link").symlink_to(tmp_path)
    repository.commit("Code")
    folder = tmp_path / "apart"
    check_out(repository, folder)
    diff = f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+out\n"
    with pytest.raises(GitFailed):
        apply_changes(folder, diff.encode())
    assert not (tmp_path / "escaped").exists()
    assert not (folder / ".git/hooks/x").exists()
