"""A repository's own configuration names programs; asking mlver's questions runs none of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from mlver.git.history import find_tampering
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from tests.conftest import Repository as Ground


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """Made by whatever runs `sing`."""
    return tmp_path / "canary"


@pytest.fixture
def sing(tmp_path: Path, canary: Path) -> str:
    script = tmp_path / "sing"
    script.write_text(f"#!/bin/sh\necho sung >{canary}\ncat\n")
    script.chmod(0o755)
    return str(script)


@pytest.fixture
def hostile(repository: Ground) -> Ground:
    """Records, a tag, and a work tree whose every file must be compared by content."""
    repository.write("code.py", "one\n")
    repository.write(".mlver/models/m/versions/1.0.0.yaml", "one\n")
    repository.write(".gitattributes", "*.py filter=evil diff=evil\n*.md filter=a=b\n")
    repository.commit("second")
    repository.write("code.py", "two\n")
    repository.write(".mlver/models/m/versions/1.0.0.yaml", "two\n")
    repository.commit("third")
    repository.git("tag", "--annotate", "m@v1.0.0", "--message", "m")
    for name in ("code.py", "README.md"):
        os.utime(repository.path / name, (1, 1))
    return repository


def ask_everything(ground: Ground) -> None:
    """Every question, one after the other."""
    found = GitRepository.find(ground.path)
    first, last = f"{ground.git('rev-list', '--max-parents=0', 'HEAD')}", found.head().commit or ""
    path = ".mlver/models/m/versions/1.0.0.yaml"
    assert found.changes() == ([], [])
    assert found.author()
    assert found.git_version()
    assert found.unfinished() is None
    assert found.tags()["m@v1.0.0"].commit == last
    assert list(found.blobs([f"HEAD:{path}"])) == [b"two\n"]
    assert found.files_at(last, ".mlver") == [path]
    assert found.has_commit(first)
    assert list(found.added_by([path])) == [path]
    assert len(found.commits_between(first, last)) == 2
    assert found.count_between(first, last) == 2
    assert "code.py" in found.stat_between(first, last)
    assert [change.kind for change in find_tampering(found, ".mlver")] == ["M"]
    assert found.tracked(["code.py"]) == {"code.py"}
    assert found.ignored_or_tracked(["code.py"]) == {"code.py"}
    found.commit_hooks()


SETTINGS: dict[str, Callable[[str], dict[str, str]]] = {
    "fsmonitor": lambda sing: {"core.fsmonitor": sing},
    "clean filter": lambda sing: {"filter.evil.clean": sing, "filter.evil.required": "true"},
    "smudge filter": lambda sing: {"filter.evil.smudge": sing},
    "process filter": lambda sing: {"filter.evil.process": sing, "filter.evil.required": "true"},
    "filter with = in its name": lambda sing: {"filter.a=b.clean": sing},
    "filter that looks like git-lfs": lambda sing: {
        "filter.evil.clean": f"git-lfs clean -- %f; {sing}"
    },
    "pager": lambda sing: {
        "core.pager": sing,
        "pager.log": sing,
        "pager.status": sing,
        "pager.diff": sing,
    },
    "alias": lambda sing: {
        f"alias.{name}": f"!{sing}" for name in ("status", "log", "cat-file", "rev-parse")
    },
    "external diff": lambda sing: {"diff.external": sing, "diff.evil.command": sing},
    "textconv": lambda sing: {"diff.evil.textconv": sing, "diff.evil.cachetextconv": "true"},
    "editor": lambda sing: {"core.editor": sing, "sequence.editor": sing},
    "ssh": lambda sing: {"core.sshCommand": sing, "remote.origin.url": "ssh://example.invalid/x"},
    "signatures": lambda sing: {
        "log.showSignature": "true",
        "gpg.program": sing,
        "gpg.ssh.program": sing,
    },
    "hooks": lambda sing: {"core.hooksPath": str(Path(sing).parent)},
    "worktree's own settings": lambda sing: {
        "extensions.worktreeConfig": "true",
        "filter.evil.clean": sing,
    },
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_no_question_runs_what_the_repository_names(
    hostile: Ground, canary: Path, sing: str, settings: Callable[[str], dict[str, str]]
) -> None:
    for key, value in settings(sing).items():
        hostile.git("config", key, value)
    hook = Path(sing).parent / "post-index-change"
    hook.write_bytes(Path(sing).read_bytes())
    hook.chmod(0o755)
    ask_everything(hostile)
    assert not canary.exists()


def test_settings_of_one_work_tree_are_no_better(hostile: Ground, canary: Path, sing: str) -> None:
    hostile.git("config", "extensions.worktreeConfig", "true")
    hostile.git("config", "--worktree", "filter.evil.clean", sing)
    ask_everything(hostile)
    assert not canary.exists()


def test_nor_are_settings_that_another_file_brings(
    hostile: Ground, canary: Path, sing: str
) -> None:
    hostile.write(".git/more", f'[filter "evil"]\n\tclean = {sing}\n[core]\n\tfsmonitor = {sing}\n')
    hostile.git("config", "include.path", "more")
    ask_everything(hostile)
    assert not canary.exists()


def test_a_filter_of_the_persons_own_still_works(
    hostile: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With it the files are as committed, without it they would differ: so it ran."""
    hostile.write("code.py", "TWO\n")
    os.utime(hostile.path / "code.py", (1, 1))
    assert GitRepository.find(hostile.path).changes() == (["code.py"], [])
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "filter.evil.clean")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "tr A-Z a-z")
    assert GitRepository.find(hostile.path).changes() == ([], [])


def test_the_canary_can_sing(hostile: Ground, canary: Path, sing: str) -> None:
    hostile.git("config", "filter.evil.clean", sing)
    subprocess.run(["git", "status"], cwd=hostile.path, capture_output=True, check=True)
    assert canary.exists()


def test_a_signed_commit_is_not_checked_by_the_repositorys_program(
    repository: Ground, canary: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    try:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    except FileNotFoundError:
        pytest.skip("ssh-keygen is not installed")
    for name, value in {
        "gpg.format": "ssh",
        "user.signingKey": f"{key}.pub",
        "commit.gpgSign": "true",
    }.items():
        repository.git("config", name, value)
    start = repository.git("rev-parse", "HEAD")
    repository.write("code.py", "one\n")
    signed = repository.commit("signed")
    sing = tmp_path / "sing"
    sing.write_text(f"#!/bin/sh\necho sung >{canary}\nexit 1\n")
    sing.chmod(0o755)
    repository.git("config", "gpg.ssh.program", str(sing))
    repository.write(".git/allowed", "")
    repository.git("config", "gpg.ssh.allowedSignersFile", str(repository.path / ".git/allowed"))
    repository.git("config", "log.showSignature", "true")
    found = GitRepository.find(repository.path)
    assert [commit.id for commit in found.commits_between(start, signed)] == [signed]
    assert found.added_by(["code.py"]) == {"code.py": signed}
    assert not canary.exists()
    subprocess.run(["git", "log"], cwd=repository.path, capture_output=True, check=False)
    assert canary.exists()


@pytest.mark.parametrize("url", ["ext::touch {canary}", "ssh://example.invalid/x"])
def test_nothing_is_fetched_behind_a_question(hostile: Ground, canary: Path, url: str) -> None:
    """In a partial clone git fetches a missing object by itself, by whatever its remote names."""
    blob = hostile.git("rev-parse", "HEAD~1:code.py")
    (hostile.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    hostile.git("config", "core.repositoryFormatVersion", "1")
    hostile.git("config", "extensions.partialClone", "origin")
    hostile.git("config", "remote.origin.promisor", "true")
    hostile.git("config", "remote.origin.url", url.format(canary=canary))
    hostile.git("config", "core.sshCommand", f"touch {canary};")
    hostile.git("config", "protocol.ext.allow", "always")
    with suppress(GitFailed):  # some gits give up rather than answer that it is missing
        assert list(GitRepository.find(hostile.path).blobs(["HEAD~1:code.py"])) == [None]
    assert not canary.exists()
    subprocess.run(
        ["git", "cat-file", "-p", blob], cwd=hostile.path, capture_output=True, check=False
    )
    assert canary.exists()


def _poison_commit_graph(ground: Ground, commit: str, parent: str) -> None:
    """Make git's own index of history give a commit another parent than it has.

    See gitformat-commit-graph(5).
    """
    ground.git("commit-graph", "write", "--reachable")
    path = ground.path / ".git/objects/info/commit-graph"
    data = bytearray(path.read_bytes())
    chunks = {}
    for number in range(data[6]):
        start = 8 + 12 * number
        offset = int.from_bytes(data[start + 4 : start + 12])
        chunks[bytes(data[start : start + 4])] = offset
    count = int.from_bytes(data[chunks[b"OIDF"] + 4 * 255 :][:4])
    names = []
    for number in range(count):
        start = chunks[b"OIDL"] + 20 * number
        names.append(data[start : start + 20].hex())
    parent_place = chunks[b"CDAT"] + 36 * names.index(commit) + 20
    data[parent_place : parent_place + 4] = names.index(parent).to_bytes(4)
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_poisoned_commit_graph_hides_no_commit(repository: Ground) -> None:
    record = ".mlver/models/m/versions/1.0.0.yaml"
    repository.write(record, "one\n")
    first = repository.commit("registered")
    repository.write(record, "two\n")
    repository.commit("edited")
    repository.write(record, "one\n")
    edited_back = repository.commit("edited back")
    found = GitRepository.find(repository.path)
    before = list(find_tampering(found, ".mlver"))
    assert len(before) == 2
    _poison_commit_graph(repository, edited_back, first)
    # The poison is alive: git itself believes it.
    assert repository.git("rev-list", "--count", "HEAD") == "3"
    assert list(find_tampering(found, ".mlver")) == before
