"""What GitPython runs for us: which git processes, in which environment, and how they fail."""

from __future__ import annotations

import os
import subprocess
import sys
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


def release_elsewhere(repository: Ground, remote: Ground, tmp_path: Path) -> None:
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
    repository.git("clone", "--quiet", str(remote.path), str(other.path))
    other.write("notes.md", "Notes\n")
    other.commit()
    other.git("push", "--quiet")


def test_release_fetches_pushes_and_lists_through_gitpython_and_does_all_else_itself(
    repository: Ground, remote: Ground, tmp_path: Path
) -> None:
    release_elsewhere(repository, remote, tmp_path)
    commands = runners(repository, "release")
    for command in ("ls-remote", "fetch", "push", "version"):
        assert commands.pop(command) == {"gitpython"}, command
    assert {"tag", "for-each-ref"} <= set(commands)
    assert set().union(*commands.values()) == {"process"}
    assert set(remote.git("tag", "--list").split()) == {"m@v1.0.0", "m@v1.1.0"}
    assert set(repository.git("tag", "--list").split()) == {"m@v1.0.0", "m@v1.1.0"}


def test_a_command_that_speaks_to_nobody_runs_no_gitpython(
    repository: Ground, remote: Ground, tmp_path: Path
) -> None:
    release_elsewhere(repository, remote, tmp_path)
    for command in ("status", "list", "log", "show"):
        commands = runners(repository, command)
        assert set().union(*commands.values()) == {"process"}, command


def test_a_release_is_silent_without_a_home(
    repository: Ground, remote: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_elsewhere(repository, remote, tmp_path)
    monkeypatch.delenv("HOME")
    assert "push" in runners(repository, "release")


# -- the environment and the settings --------------------------------------------------------------


def test_gitpython_gets_the_settings_of_a_git_that_writes(
    tagged: GitRepository, remote: Ground
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
    # git shows the names of settings in lower case
    assert {
        setting.replace("=", " ", 1).lower()
        for setting in writing_options()["c"]
        if setting.startswith("core")
    } <= {line.lower() for line in settings}
    assert str(tagged.top / "lock") in Path(f"{hook}.fds").read_text()


def test_a_hooks_environment_leads_to_no_other_repository(
    tagged: GitRepository, remote: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
    assert remote.git("tag", "--list") == "m@v1.0.0"


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
def test_a_folder_is_taken_as_it_is(repository: Ground, remote: Ground, name: str) -> None:
    place = repository.path.parent / name
    repository.git("clone", "--quiet", str(remote.path), "--", str(place))
    assert remotes.read_remote_state(GitRepository.find(place), "origin").branch == "main"
    with gitpython.open_repo(place) as repo:
        assert repo.git.rev_parse("--show-toplevel") == str(place)


def test_a_linked_work_tree_speaks_to_the_same_remotes(
    tagged: GitRepository, remote: Ground, tmp_path: Path
) -> None:
    Ground(tagged.top).git("worktree", "add", "--quiet", str(tmp_path / "linked"))
    changes.push_tags(GitRepository.find(tmp_path / "linked"), "origin", ["m@v1.0.0"])
    assert remote.git("tag", "--list") == "m@v1.0.0"


@pytest.mark.parametrize("transport", ["ext::touch {canary}", "ext://touch {canary}"])
def test_a_branch_that_follows_a_program_runs_none(
    repository: Ground, local: GitRepository, tmp_path: Path, transport: str
) -> None:
    canary = tmp_path / "canary"
    repository.git("config", "protocol.ext.allow", "always")
    repository.git("config", "branch.main.remote", transport.format(canary=canary))
    remote = remotes.default_remote(local) or ""
    assert remote.startswith("ext:")
    # Older GitPythons leave the refusal to git.
    refusal = "protocol looks suspicious|transport 'ext' not allowed"
    with pytest.raises(GitFailed, match=refusal):
        remotes.list_remote_tags(local, remote)
    with pytest.raises(GitFailed, match=refusal):
        remotes.fetch_refs(local, remote, ["refs/heads/main"])
    with pytest.raises(GitFailed, match=refusal):
        changes.push_tags(local, remote, ["m@v1.0.0"])
    assert not canary.exists()


def test_a_fetch_leaves_fetch_head_to_the_person(repository: Ground, local: GitRepository) -> None:
    repository.write(".git/FETCH_HEAD", "theirs\n")
    remotes.fetch_refs(local, "origin", ["refs/heads/main"])
    assert (local.git_dir / "FETCH_HEAD").read_text() == "theirs\n"


# -- a git.Repo ------------------------------------------------------------------------------------


def test_a_bare_repository_has_nothing_to_open(remote: Ground) -> None:
    with (
        gitpython.open_repo(remote.path) as repo,
        pytest.raises(MlverError, match="is a bare repository"),
    ):
        gitpython.folder_of(repo)


def test_a_folder_outside_any_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MlverError, match="GitPython cannot open"):
        gitpython.open_repo(tmp_path)
