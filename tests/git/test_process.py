"""How git is started: in which directory and environment, and what becomes of its failure."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.git import objects
from mlver.git.process import GitFailed, GitProcess
from mlver.git.repository import GitRepository
from tests.conftest import Repository as Ground


@pytest.fixture
def other(tmp_path: Path) -> Ground:
    """Another repository, which nothing here may touch."""
    ground = Ground(tmp_path / "other")
    ground.path.mkdir()
    ground.git("init", "--quiet", "--initial-branch=elsewhere")
    ground.write("README.md", "another\n")
    ground.commit()
    return ground


def test_a_hooks_environment_leads_to_no_other_repository(
    repository: Ground, other: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.path))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git/index"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / ".git/objects"))
    monkeypatch.setenv("GIT_PREFIX", "nowhere/")
    found = GitRepository.find(repository.path)
    assert found.top == repository.path
    assert found.head().branch == "main"
    assert list(found.blobs(["HEAD:README.md"])) == [b"# A project\n"]
    found.process.write(["update-index", "--add", "--force-remove", "README.md"], doing="try")
    monkeypatch.undo()
    assert other.git("status", "--porcelain") == ""
    assert repository.git("ls-files") == ""


def test_the_persons_identity_passes_through(
    repository: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Lee")
    assert GitRepository.find(repository.path).author() == "Lee <kim@example.org>"


def test_settings_by_environment_are_kept_when_filters_are_switched_off(
    repository: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.name")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "Lee")
    process = GitProcess(repository.path, disarm=(("filter.a=b.clean", ""), ("x.y", "1")))
    for key, value in {"user.name": "Lee", "filter.a=b.clean": "", "x.y": "1"}.items():
        assert process.read(["config", "--get", key]) == f"{value}\n".encode()


def test_a_failure_carries_what_git_said(repository: Ground) -> None:
    with pytest.raises(
        GitFailed, match=r"git could not find it; it said:\n  fatal: .*nowhere"
    ) as failed:
        GitProcess(repository.path).read(["cat-file", "-t", "refs/nowhere"], doing="find it")
    assert failed.value.output.startswith("fatal:")
    assert failed.value.exit_code == 3


def test_a_silent_failure_says_that_it_is_silent(repository: Ground) -> None:
    with pytest.raises(GitFailed, match=r"\(it printed nothing\)"):
        GitProcess(repository.path).read(["rev-parse", "--quiet", "--verify", "refs/nowhere"])


def test_an_exit_code_can_be_an_answer(repository: Ground) -> None:
    done = GitProcess(repository.path).try_read(
        ["rev-parse", "--quiet", "--verify", "refs/nowhere"]
    )
    assert (done.code, done.out) == (1, b"")


def test_without_git_the_error_says_to_install_it(
    repository: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(repository.path))
    with pytest.raises(MlverError, match="git is not installed") as refused:
        GitProcess(repository.path).read(["--version"])
    assert "install git" in refused.value.message
    with pytest.raises(MlverError, match="git is not installed"):
        next(objects.hash_blobs(GitProcess(repository.path), ["HEAD"]))
    with pytest.raises(MlverError, match="nowhere is not a directory"):
        next(objects.hash_blobs(GitProcess(repository.path / "nowhere"), ["HEAD"]))


@pytest.mark.skipif(
    not Path("/proc/self/fd").exists(), reason="the system does not tell what a process has open"
)
def test_a_git_that_writes_keeps_descriptors_open_and_one_that_reads_does_not(
    repository: Ground,
) -> None:
    """The lock is held by a git that outlives a killed mlver; a hook shows what it was given."""
    descriptor = os.open(repository.path / "lock", os.O_CREAT | os.O_RDWR)
    try:
        repository.git("config", "alias.fds", "!ls -l /proc/$$/fd/")
        process = GitProcess(repository.path, keep_open=(descriptor,))
        assert str(repository.path / "lock") in process.write(["fds"], doing="list").decode()
        assert str(repository.path / "lock") not in process.try_read(["fds"]).out.decode()
    finally:
        os.close(descriptor)
