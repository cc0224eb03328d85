"""Transfers that fail, that are interrupted, and that show how far they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import git
import pytest

from mlver.errors import MlverError
from mlver.git import changes, gitpython, remotes
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from tests.conftest import CHECKOUT
from tests.conftest import Repository as Ground


def test_a_remote_that_cannot_be_reached_says_so_in_gits_words(
    repository: Ground, tagged: GitRepository
) -> None:
    found = tagged
    repository.git("remote", "set-url", "origin", "/nowhere")
    for ask in (
        lambda: remotes.list_remote_tags(found, "origin"),
        lambda: remotes.fetch_refs(found, "origin", ["refs/heads/main"]),
        lambda: changes.push_tags(found, "origin", ["m@v1.0.0"]),
    ):
        with pytest.raises(GitFailed, match="origin") as failed:
            ask()
        assert failed.value.output.startswith(
            "fatal: '/nowhere' does not appear to be a git repository"
        )
        assert failed.value.hint


def test_what_a_remote_says_in_any_encoding_is_told(tagged: GitRepository, remote: Ground) -> None:
    hook = remote.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_bytes(b"#!/bin/sh\nprintf 'caf\351 ferm\351: prohibited\\n' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitFailed, match="does not let you") as failed:
        changes.push_tags(tagged, "origin", ["m@v1.0.0"])
    assert "remote: caf\ufffd ferm\ufffd: prohibited" in failed.value.output
    assert (
        "! refs/tags/m@v1.0.0 [remote rejected] (pre-receive hook declined)" in failed.value.output
    )
    assert "Writing objects" not in failed.value.output


def test_without_git_the_error_says_to_install_it(
    local: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(local.top))
    with pytest.raises(MlverError, match="git is not installed") as refused:
        remotes.list_remote_tags(local, "origin")
    assert "install git" in refused.value.message


def test_a_git_that_cannot_be_started_is_told_with_what_to_do(
    local: GitRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gitpython.import_gitpython()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("no program")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(MlverError) as caught:
        remotes.list_remote_tags(local, "origin")
    assert caught.value.message.startswith(
        "starting git to ask origin for its tags failed: Permission denied"
    )
    assert caught.value.message.endswith(", then run the same command again")


def test_without_git_gitpython_itself_cannot_be_imported(local: GitRepository) -> None:
    program = (
        "import os, sys\n"
        "from mlver.errors import MlverError\n"
        "from mlver.git.gitpython import import_gitpython\n"
        "os.environ['PATH'] = '/nowhere'\n"
        "try: import_gitpython()\nexcept MlverError as error: print(error.message)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("git is not installed, or not on PATH; install git ")
    assert done.stderr == ""


@pytest.fixture
def slow(repository: Ground, remote: Ground, tmp_path: Path) -> Path:
    """The remote answers by a program that writes down its process, and never gets further."""
    script = tmp_path / "slow"
    script.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/asked\nexec sleep 600\n")
    script.chmod(0o755)
    for name in ("uploadpack", "receivepack"):
        repository.git("config", f"remote.origin.{name}", str(script))
    return tmp_path / "asked"


def ancestors(process: int) -> Iterator[int]:
    """Up to this very process."""
    while process != os.getpid():
        yield process
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="the system does not tell what started a process"
)
@pytest.mark.parametrize("transfer", ["list", "fetch", "push"])
def test_an_interrupt_ends_git_at_once(tagged: GitRepository, slow: Path, transfer: str) -> None:
    """It reaches Python alone here: neither git nor what git waits for hears of it."""
    transfers: dict[str, Callable[[], object]] = {
        "list": lambda: remotes.list_remote_tags(tagged, "origin"),
        "fetch": lambda: remotes.fetch_refs(tagged, "origin", ["refs/heads/main"]),
        "push": lambda: changes.push_tags(tagged, "origin", ["m@v1.0.0"]),
    }
    started: list[int] = []

    def interrupt() -> None:
        while not slow.exists() or not slow.read_text().endswith("\n"):
            time.sleep(0.01)
        started.extend(ancestors(int(slow.read_text())))
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    # A job in the background is started deaf to it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        transfers[transfer]()
    thread.join()
    assert not Path(f"/proc/{started[-1]}").exists()
    os.kill(started[0], signal.SIGKILL)  # it still runs: it was not waited for


def test_an_interrupt_while_git_starts_ends_it_as_well(
    tagged: GitRepository, slow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_git = git.Git.execute
    started: list[int] = []

    def start_and_interrupt(self: git.Git, *args: Any, **options: Any) -> Any:
        outcome = start_git(self, *args, **options)
        if isinstance(outcome, git.Git.AutoInterrupt):
            assert outcome.proc is not None
            started.append(outcome.proc.pid)
            signal.raise_signal(signal.SIGINT)
        return outcome

    monkeypatch.setattr(git.Git, "execute", start_and_interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.raises(KeyboardInterrupt):
        remotes.list_remote_tags(tagged, "origin")
    assert not Path(f"/proc/{started[0]}").exists()


class BarRecorder:
    """A reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.bytes = 0

    def begin_work(self, what: str, total: int | None) -> None:
        self.calls.append(f"begin {what} {total}")

    def advance_work(self, count: int) -> None:
        self.bytes += count

    def end_work(self) -> None:
        self.calls.append("end")


def test_a_transfer_shows_its_bytes(
    tagged: GitRepository, repository: Ground, remote: Ground
) -> None:
    repository.write("noise.bin", os.urandom(300_000))
    repository.commit()
    repository.git("tag", "--annotate", "--message=m", "m@v1.1.0")
    bar = BarRecorder()
    changes.push_tags(tagged, "origin", ["m@v1.0.0", "m@v1.1.0"], bar)
    assert bar.calls == ["begin pushing to origin None", "end"]
    assert 290_000 < bar.bytes < 310_000
    clone = Ground(repository.path.parent / "clone")
    repository.git(
        "clone", "--quiet", "--no-tags", "--single-branch", remote.path.as_uri(), str(clone.path)
    )
    clone.git(
        "config", "fetch.unpackLimit", "1"
    )  # git tells nothing of a few objects that it unpacks
    bar = BarRecorder()
    found = GitRepository.find(clone.path)
    remotes.fetch_refs(found, "origin", ["refs/tags/m@v1.1.0"], bar)
    assert bar.calls == ["begin fetching from origin None", "end"]
    assert 290_000 < bar.bytes < 310_000


def test_a_bar_that_cannot_be_drawn_stops_no_transfer(
    tagged: GitRepository, remote: Ground
) -> None:
    class BrokenBar(BarRecorder):
        def begin_work(self, what: str, total: int | None) -> None:
            raise BrokenPipeError

    changes.push_tags(tagged, "origin", ["m@v1.0.0"], BrokenBar())
    assert remote.git("tag", "--list") == "m@v1.0.0"


def test_a_local_hook_that_forbids_the_push_is_named(
    repository: Ground, tagged: GitRepository
) -> None:
    hook = repository.path / ".git/hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not on Sundays >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitFailed) as failed:
        changes.push_tags(tagged, "origin", ["m@v1.0.0"])
    assert failed.value.message.startswith(
        f"git could not push the tags to origin, perhaps because the hook {hook} did not let it;"
        " it said:\n  not on Sundays\n"
    )
    assert failed.value.hints == (f"cat -- {hook}",)


def test_what_the_other_side_forbids_is_not_blamed_on_a_local_hook(
    repository: Ground, tagged: GitRepository, remote: Ground
) -> None:
    for folder in (repository.path / ".git/hooks", remote.path / "hooks"):
        folder.mkdir(exist_ok=True)
    local = repository.path / ".git/hooks/pre-push"
    local.write_text("#!/bin/sh\nexit 0\n")
    local.chmod(0o755)
    update = remote.path / "hooks/update"
    update.write_text("#!/bin/sh\necho no tags >&2\nexit 1\n")
    update.chmod(0o755)
    with pytest.raises(GitFailed, match="origin does not let you") as failed:
        changes.push_tags(tagged, "origin", ["m@v1.0.0"])
    assert "remote: no tags" in failed.value.output
    assert failed.value.hints == ("git push origin m@v1.0.0",)


def test_a_remote_that_is_mirrored_to_takes_no_single_tags(
    repository: Ground, tagged: GitRepository
) -> None:
    repository.git("config", "remote.origin.mirror", "true")
    with pytest.raises(GitFailed, match="which is set up to be mirrored to") as failed:
        changes.push_tags(tagged, "origin", ["m@v1.0.0"])
    assert failed.value.hints == ("git config --unset remote.origin.mirror",)
    repository.git("config", "--unset", "remote.origin.mirror")
    changes.push_tags(tagged, "origin", ["m@v1.0.0"])


def test_what_git_said_is_not_printed_beside_the_error(
    repository: Ground, tagged: GitRepository, remote: Ground
) -> None:
    """In a process of its own: pytest takes what a library logs."""
    hook = remote.path / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    code = (
        "import sys; from pathlib import Path; from mlver.git import changes, process, repository\n"
        "found = repository.GitRepository.find(Path(sys.argv[1]))\n"
        "try: changes.push_tags(found, 'origin', ['m@v1.0.0'])\n"
        "except process.GitFailed: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, repository.path],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("refused\n", "")
