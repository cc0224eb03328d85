"""Git servers that accept a connection and say nothing: git is ended after a time."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.git import reachable, remotes
from mlver.git.repository import GitRepository
from mlver.system.timings import STANDARD
from tests.conftest import Repository

HASTY = replace(STANDARD, git_silence=0.5, hook_silence=0.5)


@pytest.fixture
def silent_address() -> Iterator[str]:
    """Connections are accepted by the system, and nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"git://127.0.0.1:{server.getsockname()[1]}/models.git"


@pytest.fixture
def hasty(repository: Repository) -> GitRepository:
    return replace(GitRepository.find(repository.path), timings=HASTY)


def assert_given_up(ask: Callable[[], object]) -> MlverError:
    begun = time.monotonic()
    with pytest.raises(MlverError, match=r"nothing came from there for 0\.5 seconds") as failed:
        ask()
    assert time.monotonic() - begun < 20
    assert failed.value.hints
    return failed.value


def test_a_silent_server_is_not_waited_for(hasty: GitRepository, silent_address: str) -> None:
    for ask in (
        lambda: remotes.list_remote_tags(hasty, silent_address),
        lambda: remotes.fetch_refs(hasty, silent_address, ["refs/heads/main"]),
    ):
        error = assert_given_up(ask)
        assert silent_address in error.message


def test_gc_does_not_wait_for_an_announced_address_that_is_silent(
    hasty: GitRepository, silent_address: str, tmp_path: Path
) -> None:
    with reachable.opened_beside(hasty, tmp_path / "beside") as beside:
        assert_given_up(lambda: reachable.fetch_everything(beside, silent_address, 0))


def test_a_program_that_git_started_does_not_hold_it_up(
    hasty: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ssh does, which keeps git's standard error until the far end has closed."""
    connect = tmp_path / "connect"
    connect.write_text(f"#!/bin/sh\necho $$ >'{tmp_path}/pid'\nexec sleep 60\n")
    connect.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", os.fspath(connect))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    for ask in (
        lambda: remotes.list_remote_tags(hasty, "ssh://nowhere.example/x"),
        lambda: remotes.fetch_refs(hasty, "ssh://nowhere.example/x", ["refs/heads/main"]),
        lambda: remotes.push_branch(hasty, "ssh://nowhere.example/x", "refs/heads/main", "x", []),
    ):
        assert_given_up(ask)
        if Path("/proc").is_dir():
            assert_ends(int((tmp_path / "pid").read_text()))


@pytest.fixture
def origin(hasty: GitRepository, tmp_path: Path) -> Path:
    """A remote of this name, in a folder."""
    path = tmp_path / "origin.git"
    hasty.process.write(["init", "--quiet", "--bare", os.fspath(path)], doing="make a remote")
    arguments = ["config", "remote.origin.url", os.fspath(path)]
    hasty.process.write(arguments, doing="configure")
    return path


def push_main(repository: GitRepository) -> None:
    remotes.push_branch(repository, "origin", "refs/heads/main", "main", [])


def test_a_push_to_a_silent_server_is_given_up(
    hasty: GitRepository, origin: Path, tmp_path: Path
) -> None:
    receive = tmp_path / "receive"
    receive.write_text("#!/bin/sh\nexec sleep 5\n")
    receive.chmod(0o755)
    arguments = ["config", "remote.origin.receivepack", os.fspath(receive)]
    hasty.process.write(arguments, doing="configure")
    error = assert_given_up(lambda: push_main(hasty))
    assert "git could not push main to origin" in error.message


def test_a_push_that_stalls_at_its_end_is_given_up(
    hasty: GitRepository, origin: Path, tmp_path: Path
) -> None:
    """The server has it all, and its own hook never ends."""
    patient = replace(hasty, timings=replace(HASTY, hook_silence=60))
    hook = origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexec sleep 5\n")
    hook.chmod(0o755)
    assert_given_up(lambda: push_main(patient))


def test_a_hook_of_the_person_may_take_longer_than_the_server(
    hasty: GitRepository, origin: Path
) -> None:
    patient = replace(hasty, timings=replace(HASTY, hook_silence=60))
    hook = hasty.git_dir / "hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nsleep 1\n")
    hook.chmod(0o755)
    push_main(patient)
    assert "main" in remotes.list_published(hasty, "origin").branches
    assert_given_up(lambda: remotes.push_branch(hasty, "origin", "refs/heads/main", "other", []))


def assert_ends(pid: int) -> None:
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists():
        # One that nobody waits for has ended all the same.
        if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_that_answers_slowly_but_steadily_is_waited_for(
    hasty: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sends a line of progress in less than the time that it may be silent."""
    origin = Repository(tmp_path / "origin")
    origin.path.mkdir()
    origin.git("init", "--quiet", "--initial-branch=main")
    origin.write("file", b"text")
    origin.git("add", "file")
    origin.git("commit", "--quiet", "-m", "one")
    slow = tmp_path / "slow"
    slow.write_text(
        "#!/bin/sh\n"
        "for step in 1 2 3 4 5; do sleep 0.3; echo step $step >&2; done\n"
        'exec git-upload-pack "$@"\n'
    )
    slow.chmod(0o755)
    hasty.process.write(["config", "remote.slow.url", os.fspath(origin.path)], doing="configure")
    hasty.process.write(["config", "remote.slow.uploadpack", os.fspath(slow)], doing="configure")
    remotes.fetch_refs(hasty, "slow", ["+refs/heads/main:refs/remotes/slow/main"])
    assert hasty.process.read(["rev-parse", "refs/remotes/slow/main"])
