"""When files landed on a branch, whatever the dates of its commits say."""

from __future__ import annotations

import pytest

from mlver.git.main_line import MainLine, read_main_line
from mlver.git.repository import GitRepository
from tests.conftest import Repository

DAY = 86_400


def _commit(ground: Repository, monkeypatch: pytest.MonkeyPatch, path: str, seconds: int) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{seconds} +0000")
    ground.write(path, f"{seconds}\n")
    ground.commit(f"Write {path}")


def _read(ground: Repository, tip: str = "HEAD") -> MainLine:
    return read_main_line(GitRepository.find(ground.path), tip, "kept")


def test_a_commit_counts_as_no_older_than_those_before_it(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(repository.git("log", "-1", "--format=%ct"))
    _commit(repository, monkeypatch, "kept/a", now + DAY)
    _commit(repository, monkeypatch, "other", now + 3 * DAY)
    _commit(repository, monkeypatch, "kept/ü b", now + 2 * DAY)
    assert _read(repository) == MainLine(
        {"kept/a": now + DAY, "kept/ü b": now + 3 * DAY}, now + 3 * DAY
    )


def test_what_a_merge_brings_lands_with_the_merge(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(repository.git("log", "-1", "--format=%ct"))
    repository.git("checkout", "--quiet", "-b", "work")
    _commit(repository, monkeypatch, "kept/a", now + DAY)
    repository.git("checkout", "--quiet", "main")
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{now + 5 * DAY} +0000")
    repository.git("merge", "--quiet", "--no-ff", "--no-edit", "work")
    assert _read(repository).landings == {"kept/a": now + 5 * DAY}
    assert _read(repository, "HEAD~1").landings == {}


def test_what_was_written_again_landed_again(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(repository.git("log", "-1", "--format=%ct"))
    for days in (1, 2):
        _commit(repository, monkeypatch, "kept/a", now + days * DAY)
    assert _read(repository).landings == {"kept/a": now + 2 * DAY}
