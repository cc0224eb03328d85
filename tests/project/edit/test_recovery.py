"""What the person did between a stopped edit and the next command is theirs: it is neither undone
nor overwritten.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.git import changes, kept, stale_locks
from mlver.project.edit import edit as edits
from mlver.project.edit import intent
from mlver.project.project import Project
from mlver.project.transaction import editing
from mlver.system import proof
from tests.conftest import Repository
from tests.project.helpers import encode_version

RECORD = ".mlver/models/m/versions/1.0.0.yaml"
SETTINGS = ".mlver/models/m/model.yaml"
RECORD_BYTES = encode_version()
Interrupt = Callable[[str], None]
TAG = intent.PlannedTag("m@v1.0.0", "m 1.0.0\n", RECORD)


class Killed(BaseException):
    """What takes a process away before it can clean up."""


@pytest.fixture
def project(repository: Repository) -> Project:
    repository.write(SETTINGS, "old\n")
    repository.commit("settings")
    return Project.find_from(repository.path)


@pytest.fixture
def interrupt(project: Project, monkeypatch: pytest.MonkeyPatch) -> Interrupt:
    """Stops an edit of a record and a setting on its way into a step of git's, settling nothing."""

    def die(*_: object, **__: object) -> None:
        raise Killed

    def stopped(where: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(changes, where, die)
            patch.setattr(edits, "recover_edit", die)
            with pytest.raises(Killed):
                write(project)

    return stopped


def write(project: Project) -> None:
    with editing(project, "register m") as edit:
        edit.create_file(RECORD, RECORD_BYTES)
        edit.put_file(SETTINGS, b"new\n")
        edit.commit_files("register m 1.0.0", (TAG,))


def settle(repository: Repository) -> None:
    with editing(Project.find_from(repository.path), "the next command"):
        pass


def test_another_branch_is_left_alone(repository: Repository, interrupt: Interrupt) -> None:
    """The commit landed on main; the person is on a branch with a version 1.0.0 of its own."""
    repository.git("branch", "other")
    interrupt("create_tag")
    landed = repository.git("rev-parse", "main")
    repository.git("switch", "--quiet", "other")
    repository.write(RECORD, "theirs\n")
    repository.write(SETTINGS, "theirs\n")
    repository.commit("their own")
    settle(repository)
    assert repository.git("status", "--porcelain") == ""
    assert (repository.path / RECORD).read_text() == "theirs\n"
    assert repository.git("rev-parse", "m@v1.0.0^{commit}") == landed


def test_an_edit_made_since_stays(repository: Repository, interrupt: Interrupt) -> None:
    interrupt("commit_only")
    repository.write(SETTINGS, "edited by hand\n")
    settle(repository)
    assert (repository.path / SETTINGS).read_text() == "edited by hand\n"
    assert not (repository.path / RECORD).exists()


def test_what_was_committed_since_stays(repository: Repository, interrupt: Interrupt) -> None:
    """The person committed one of the files themselves, and not the other."""
    interrupt("commit_only")
    repository.git("commit", "--quiet", "--message", "half", "--", RECORD)
    settle(repository)
    assert repository.git("status", "--porcelain") == ""
    assert (repository.path / RECORD).read_bytes() == RECORD_BYTES
    assert (repository.path / SETTINGS).read_text() == "old\n"


def test_names_in_an_intent_are_not_believed(
    repository: Repository, project: Project, interrupt: Interrupt, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt("create_tag")
    victim = repository.path.parent / "victim.lock"
    victim.write_text("dear")
    path = repository.path / ".git/mlver/intent.json"
    path.write_text(path.read_text().replace("m@v1.0.0", "../../../../victim", 1))
    with pytest.raises(MlverError, match="not by your own mlver"):
        settle(repository)
    assert victim.read_text() == "dear"
    # Even a plan that is signed names nothing but tags of mlver's.
    with monkeypatch.context() as patch:
        patch.setattr(proof, "is_signed", lambda *_: True)
        with pytest.raises(MlverError, match="not in a way this mlver understands"):
            settle(repository)
    assert victim.read_text() == "dear"


@pytest.mark.parametrize("name", ["lock", "intent.json"])
def test_a_link_in_place_of_our_own_files_is_not_followed(
    repository: Repository, project: Project, name: str
) -> None:
    victim = repository.path.parent / "victim"
    victim.write_text("{}")
    project.state_directory.mkdir()
    (project.state_directory / name).symlink_to(victim)
    with pytest.raises(MlverError):
        settle(repository)
    assert victim.read_text() == "{}"


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="only /proc tells who is at work")
def test_a_git_at_work_is_not_robbed_of_its_lock(
    repository: Repository, project: Project, interrupt: Interrupt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`git commit` in an editor holds index.lock for hours, without having it open."""
    interrupt("commit_only")
    monkeypatch.setattr(stale_locks, "_PATIENCE_S", 0.2)
    lock = repository.path / ".git/index.lock"
    editor = f"{sys.executable} -c 'import time; time.sleep(60)'"
    with subprocess.Popen(
        ["git", "commit", "--all"],
        cwd=repository.path,
        env={**os.environ, "GIT_EDITOR": editor},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    ) as git:
        try:
            until = time.monotonic() + 20
            while not lock.exists() and time.monotonic() < until:
                time.sleep(0.02)
            with pytest.raises(MlverError, match="another git is at work here"):
                settle(repository)
            assert lock.exists()
        finally:
            os.killpg(git.pid, 9)
    settle(repository)  # now that git is dead, its lock is nobody's
    assert not lock.exists()


@pytest.mark.parametrize("name", ["index", "HEAD", "AUTO_MERGE", "packed-refs"])
def test_locks_of_a_git_that_was_killed_are_removed(
    repository: Repository, project: Project, interrupt: Interrupt, name: str
) -> None:
    interrupt("commit_only")
    lock = repository.write(f".git/{name}.lock", "")
    settle(repository)
    assert not lock.exists()


def test_a_git_that_is_kept_for_questions_holds_no_lock(
    repository: Repository, project: Project, interrupt: Interrupt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of this command, and that of another mlver that only reads, or waits for this one."""
    interrupt("commit_only")
    monkeypatch.setattr(stale_locks, "_PATIENCE_S", 0.2)
    with kept.keep_processes():
        assert list(project.repository.blobs(["HEAD:README.md"])) == [b"# A project\n"]
        lock = repository.write(".git/index.lock", "")
        settle(repository)
        assert not lock.exists()
