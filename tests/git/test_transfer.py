"""What GitPython runs for us: which git processes, in which environment, and how they fail."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.git import changes, gitpython, remotes
from mlver.git.process import GitFailed, hidden_environment, writing_options
from mlver.git.repository import GitRepository
from tests.conftest import CHECKOUT
from tests.conftest import Repository as Ground

# Which runner started each git: the event is raised below the frames of the runner.
_RUNNERS = """
import sys
from pathlib import Path

def verb(words):
    words = iter(words)
    for word in words:
        if word == "-c":
            next(words)
        elif not word.startswith("-"):
            return word

def note(event, arguments):
    if event != "subprocess.Popen":
        return
    frame, files = sys._getframe(), []
    while frame is not None:
        files.append(frame.f_code.co_filename)
        frame = frame.f_back
    is_gitpython = any(name.endswith("/site-packages/git/cmd.py") for name in files)
    runner = "gitpython" if is_gitpython else "process"
    with Path(sys.argv[1]).open("a") as log:
        log.write(f"{runner} {verb(arguments[1][1:])}\\n")

sys.addaudithook(note)
from mlver.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def there(repository: Ground, tmp_path: Path) -> Ground:
    """The bare repository that `repository` has as its origin; it holds main."""
    made = Ground(tmp_path / "there.git")
    repository.git("init", "--quiet", "--bare", str(made.path))
    repository.git("remote", "add", "origin", str(made.path))
    repository.git("push", "--quiet", "origin", "main")
    return made


@pytest.fixture
def found(repository: Ground, there: Ground) -> GitRepository:
    return GitRepository.find(repository.path)


@pytest.fixture
def tagged(repository: Ground, found: GitRepository) -> GitRepository:
    repository.git("tag", "--annotate", "--message=m", "m@v1.0.0")
    return found


def runners(repository: Ground, *arguments: str) -> dict[str, set[str]]:
    """Run mlver, and return which runners started each git command."""
    log = repository.path.parent / "runners"
    log.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _RUNNERS, log, *arguments],
        cwd=repository.path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, set[str]] = {}
    for line in log.read_text().splitlines():
        runner, command = line.split()
        found.setdefault(command, set()).add(runner)
    return found


def release_elsewhere(repository: Ground, there: Ground, tmp_path: Path) -> None:
    """A version whose tag is only on the other side, with a commit, and a version without a tag."""
    repository.write("model.bin", b"weights")
    repository.write(".gitignore", "/model.bin\n")
    repository.commit()
    for arguments in (
        ("init",),
        ("register", "m", "--weights", "model.bin", "--version", "1.0.0", "-m", "First"),
        ("register", "m", "--version", "1.1.0", "-m", "Second"),
    ):
        assert repository.mlver(*arguments).code == 0
    repository.git("push", "--quiet", "origin", "main", "refs/tags/m@v1.0.0")
    repository.git("tag", "--delete", "m@v1.0.0", "m@v1.1.0")
    other = Ground(tmp_path / "other")
    repository.git("clone", "--quiet", str(there.path), str(other.path))
    other.write("notes.md", "Notes\n")
    other.commit()
    other.git("push", "--quiet")


def test_release_fetches_pushes_and_lists_through_gitpython_and_does_all_else_itself(
    repository: Ground, there: Ground, tmp_path: Path
) -> None:
    release_elsewhere(repository, there, tmp_path)
    found = runners(repository, "release")
    for command in ("ls-remote", "fetch", "push", "version"):
        assert found.pop(command) == {"gitpython"}, command
    assert {"tag", "for-each-ref"} <= set(found)
    assert set().union(*found.values()) == {"process"}
    assert set(there.git("tag", "--list").split()) == {"m@v1.0.0", "m@v1.1.0"}
    assert set(repository.git("tag", "--list").split()) == {"m@v1.0.0", "m@v1.1.0"}


def test_a_command_that_speaks_to_nobody_runs_no_gitpython(
    repository: Ground, there: Ground, tmp_path: Path
) -> None:
    release_elsewhere(repository, there, tmp_path)
    for command in ("status", "list", "log", "show"):
        found = runners(repository, command)
        assert set().union(*found.values()) == {"process"}, command


def test_a_release_is_silent_without_a_home(
    repository: Ground, there: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_elsewhere(repository, there, tmp_path)
    monkeypatch.delenv("HOME")
    assert "push" in runners(repository, "release")


# -- the environment and the settings --------------------------------------------------------------


def test_gitpython_gets_the_settings_of_a_git_that_writes(
    tagged: GitRepository, there: Ground
) -> None:
    """A hook of the person's own shows with which settings and descriptors git runs it."""
    hook = tagged.git_dir / "hooks/pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(
        '#!/bin/sh\ngit config --get-regexp "^(core|gc|protocol)" >"$0.out"\n'
        'ls -l /proc/$$/fd/ >"$0.fds"\n'
    )
    hook.chmod(0o755)
    descriptor = os.open(tagged.top / "lock", os.O_CREAT | os.O_RDWR)
    try:
        locked = GitRepository(
            tagged.top, tagged.git_dir, tagged.common_dir, keep_open=(descriptor,)
        )
        changes.push_tags(locked, "origin", ["m@v1.0.0"])
    finally:
        os.close(descriptor)
    settings = Path(f"{hook}.out").read_text().splitlines()
    assert {
        setting.replace("=", " ", 1)
        for setting in writing_options()["c"]
        if setting.startswith("core")
    } <= {
        line.replace("fsyncmethod", "fsyncMethod").replace("quotepath", "quotePath")
        for line in settings
    }
    assert str(tagged.top / "lock") in Path(f"{hook}.fds").read_text()


def test_a_hooks_environment_leads_to_no_other_repository(
    tagged: GitRepository, there: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Ground(tmp_path / "other")
    other.path.mkdir()
    other.git("init", "--quiet")
    for name, value in {
        "GIT_DIR": other.path / ".git",
        "GIT_WORK_TREE": other.path,
        "GIT_COMMON_DIR": other.path / ".git",
        "GIT_OBJECT_DIRECTORY": other.path / ".git/objects",
        "GIT_QUARANTINE_PATH": other.path,
        "GIT_NAMESPACE": "other",
        "GIT_PYTHON_GIT_EXECUTABLE": "/nowhere/git",
    }.items():
        monkeypatch.setenv(name, str(value))
    changes.push_tags(tagged, "origin", ["m@v1.0.0"])
    assert set(remotes.list_remote_tags(tagged, "origin")) == {"m@v1.0.0"}
    assert os.environ["GIT_NAMESPACE"] == "other"
    monkeypatch.undo()
    assert there.git("tag", "--list") == "m@v1.0.0"


def test_what_is_hidden_comes_back_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    seen: list[bool] = []

    def interrupted() -> None:
        with hidden_environment():
            seen.append("GIT_DIR" in os.environ)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert seen == [False]
    assert os.environ["GIT_DIR"] == "/nowhere"


@pytest.mark.parametrize("name", ["a $HOME b", "~", "-x", "new\nline"])
def test_a_folder_is_taken_as_it_is(repository: Ground, there: Ground, name: str) -> None:
    place = repository.path.parent / name
    repository.git("clone", "--quiet", str(there.path), "--", str(place))
    assert remotes.read_remote_state(GitRepository.find(place), "origin").branch == "main"
    with gitpython.open_repo(place) as repo:
        assert repo.git.rev_parse("--show-toplevel") == str(place)


def test_a_linked_work_tree_speaks_to_the_same_remotes(
    tagged: GitRepository, there: Ground, tmp_path: Path
) -> None:
    Ground(tagged.top).git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    changes.push_tags(GitRepository.find(tmp_path / "linked"), "origin", ["m@v1.0.0"])
    assert there.git("tag", "--list") == "m@v1.0.0"


@pytest.mark.parametrize("transport", ["ext::touch {canary}", "ext://touch {canary}"])
def test_a_branch_that_follows_a_program_runs_none(
    repository: Ground, found: GitRepository, tmp_path: Path, transport: str
) -> None:
    canary = tmp_path / "canary"
    repository.git("config", "protocol.ext.allow", "always")
    repository.git("config", "branch.main.remote", transport.format(canary=canary))
    remote = remotes.default_remote(found) or ""
    assert remote.startswith("ext:")
    with pytest.raises(GitFailed, match="protocol looks suspicious"):
        remotes.list_remote_tags(found, remote)
    with pytest.raises(GitFailed, match="protocol looks suspicious"):
        remotes.fetch_refs(found, remote, ["refs/heads/main"])
    with pytest.raises(GitFailed, match="protocol looks suspicious"):
        changes.push_tags(found, remote, ["m@v1.0.0"])
    assert not canary.exists()


def test_a_fetch_leaves_fetch_head_to_the_person(repository: Ground, found: GitRepository) -> None:
    repository.write(".git/FETCH_HEAD", "theirs\n")
    remotes.fetch_refs(found, "origin", ["refs/heads/main"])
    assert (found.git_dir / "FETCH_HEAD").read_text() == "theirs\n"


# -- failure ---------------------------------------------------------------------------------------


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


def test_what_a_remote_says_in_any_encoding_is_told(tagged: GitRepository, there: Ground) -> None:
    hook = there.path / "hooks/pre-receive"
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


def test_without_git_the_hint_says_to_install_it(
    found: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(found.top))
    with pytest.raises(MlverError, match="git is not installed") as refused:
        remotes.list_remote_tags(found, "origin")
    assert "install git" in (refused.value.hint or "")


def test_without_git_gitpython_itself_cannot_be_imported(found: GitRepository) -> None:
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
    assert (done.stdout, done.stderr) == ("git is not installed, or not on PATH\n", "")


@pytest.fixture
def slow(repository: Ground, there: Ground, tmp_path: Path) -> Path:
    """The remote answers by a program that writes down its process, and is in no hurry."""
    script = tmp_path / "slow"
    script.write_text(f"#!/bin/sh\necho $$ >{tmp_path}/asked\nexec sleep 8\n")
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
    assert Path(f"/proc/{started[0]}").exists()  # it was not waited for


# -- progress --------------------------------------------------------------------------------------


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
    tagged: GitRepository, repository: Ground, there: Ground
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
        "clone", "--quiet", "--no-tags", "--single-branch", there.path.as_uri(), str(clone.path)
    )
    clone.git(
        "config", "fetch.unpackLimit", "1"
    )  # git tells nothing of a few objects that it unpacks
    bar = BarRecorder()
    found = GitRepository.find(clone.path)
    remotes.fetch_refs(found, "origin", ["refs/tags/m@v1.1.0"], bar)
    assert bar.calls == ["begin fetching from origin None", "end"]
    assert 290_000 < bar.bytes < 310_000


def test_a_bar_that_cannot_be_drawn_stops_no_transfer(tagged: GitRepository, there: Ground) -> None:
    class BrokenBar(BarRecorder):
        def begin_work(self, what: str, total: int | None) -> None:
            raise BrokenPipeError

    changes.push_tags(tagged, "origin", ["m@v1.0.0"], BrokenBar())
    assert there.git("tag", "--list") == "m@v1.0.0"


# -- a git.Repo ------------------------------------------------------------------------------------


def test_a_bare_repository_has_nothing_to_open(there: Ground) -> None:
    with (
        gitpython.open_repo(there.path) as repo,
        pytest.raises(MlverError, match="is a bare repository"),
    ):
        gitpython.folder_of(repo)


def test_a_folder_outside_any_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MlverError, match="GitPython cannot open"):
        gitpython.open_repo(tmp_path)
