"""Files replaced by a rollback: what is taken for granted at first is proven before the first goes.

The artifact `w` of two versions is a large file, and the second is in use.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

import pytest

from mlver.digest import Digest
from mlver.errors import ObjectDamaged
from mlver.hashing import read
from mlver.project.artifacts import assumed_files, damage
from mlver.project.artifacts.undoable_checkout import (
    AppliedCheckout,
    put_files_back,
    replace_working_files,
)
from mlver.project.project import Project
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet
from mlver.system.regular import open_regular
from tests.conftest import Repository
from tests.project.artifacts.helpers import LARGE, break_object, read_artifact
from tests.project.helpers import read_tree, store_version, write_artifact

SECOND = LARGE + b"!"
OTHER = LARGE + b"?"  # as large as the second
Records = tuple[VersionRecord, VersionRecord]


@pytest.fixture
def records(project: Project, repository: Repository) -> Records:
    write_artifact(repository, "w", LARGE)
    first = store_version(project, weights="w")
    write_artifact(repository, "w", SECOND)
    return first, store_version(project, "1.1.0", weights="w")


def roll_back(project: Project, records: Records) -> tuple[AppliedCheckout, list[DigestSet]]:
    """Go back to the first; return what came of it, and what it was left to prove each time."""
    first, second = records
    asked: list[DigestSet] = []

    def prove_rest(written: DigestSet) -> None:
        asked.append(written)
        damage.require_whole(project, first, left_out=written)

    return replace_working_files(project, first, second, prove_rest), asked


def test_the_file_in_use_is_read_once_beside_its_stored_copy(
    project: Project, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(assumed_files, "read_large", fail)
    applied, asked = roll_back(project, records)
    assert read_artifact(project) == LARGE
    assert list(applied.outcome.saved) == []
    # what is put in place is proven there, and in no pass of its own
    assert [list(written) for written in asked] == [[Digest.of_bytes(LARGE)]]
    put_files_back(project, applied)
    assert read_artifact(project) == SECOND


def test_another_file_of_the_same_size_is_saved(
    project: Project, repository: Repository, records: Records
) -> None:
    write_artifact(repository, "w", OTHER)
    applied, asked = roll_back(project, records)
    assert read_artifact(project) == LARGE
    assert list(applied.outcome.saved) == [("w", Digest.of_bytes(OTHER).hex)]
    # a rollback that has something to save proves everything first
    assert [len(written) for written in asked] == [1, 0]
    put_files_back(project, applied)
    assert read_artifact(project) == OTHER


def test_a_file_whose_stored_copy_is_damaged_is_saved(project: Project, records: Records) -> None:
    break_object(project, SECOND)
    applied, _ = roll_back(project, records)
    assert list(applied.outcome.saved) == [("w", Digest.of_bytes(SECOND).hex)]
    put_files_back(project, applied)
    assert read_artifact(project) == SECOND


def test_a_file_damaged_as_its_stored_copy_is_does_not_pass(
    project: Project, repository: Repository, records: Records
) -> None:
    """Both are equal, and neither is what the record says."""
    break_object(project, SECOND)
    (path,) = (
        path
        for path in (project.state_directory / "objects").rglob("*")
        if path.is_file() and path.stat().st_size == len(SECOND)
    )
    data = path.read_bytes()
    write_artifact(repository, "w", data)
    applied, _ = roll_back(project, records)
    assert list(applied.outcome.saved) == [("w", Digest.of_bytes(data).hex)]


def write_meanwhile(repository: Repository) -> Callable[[bytes], int]:
    """Opens a file as the proof does, and another process writes to it before it is read."""

    def opened(path: bytes) -> int:
        with (repository.path / "w").open("r+b") as file:
            file.seek(-1, os.SEEK_END)
            file.write(b"!")  # what is there already
        return open_regular(path)

    return opened


def test_a_file_that_is_written_meanwhile_is_read_again(
    project: Project, repository: Repository, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes may be others by the time that they are compared."""
    opening = f"{assumed_files.__name__}.open_regular"
    monkeypatch.setattr(opening, write_meanwhile(repository))
    _, asked = roll_back(project, records)
    assert len(asked) == 2
    assert read_artifact(project) == LARGE


def test_a_damaged_target_replaces_nothing(project: Project, records: Records) -> None:
    break_object(project, LARGE)
    before = read_tree(project.state_directory / "objects")
    with pytest.raises(ObjectDamaged):
        roll_back(project, records)
    assert read_artifact(project) == SECOND
    assert read_tree(project.state_directory / "objects") == before
    assert not (project.state_directory / "intent.json").exists()


def test_what_both_versions_have_is_read(
    project: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays in place: nothing else would prove it."""
    write_artifact(repository, "w", {"same": LARGE, "other": "1"})
    first = store_version(project, weights="w")
    write_artifact(repository, "w", {"same": LARGE, "other": "2"})
    second = store_version(project, "1.1.0", weights="w")
    read_paths: list[bytes] = []

    def noted(root: bytes, path: bytes, *rest: object) -> read.FileRead:
        read_paths.append(path)
        return read.read_large(root, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(assumed_files, "read_large", noted)
    _, (written,) = roll_back(project, (first, second))
    assert read_paths == [b"same"]
    assert list(written) == [Digest.of_bytes(b"1")]


def test_all_that_is_saved_beside_a_wrong_assumption_is_named(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", {"large": LARGE, "config": "1"})
    first = store_version(project, weights="w")
    write_artifact(repository, "w", {"large": SECOND, "config": "2"})
    second = store_version(project, "1.1.0", weights="w")
    write_artifact(repository, "w", {"large": OTHER, "config": "edited"})
    applied, _ = roll_back(project, (first, second))
    assert sorted(applied.outcome.saved) == [
        ("w/config", Digest.of_bytes(b"edited").hex),
        ("w/large", Digest.of_bytes(OTHER).hex),
    ]


def test_a_file_that_stays_is_proven_where_nothing_else_changes(
    project: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions of more files than are compared before: the file in use may be the one wanted."""
    monkeypatch.setattr(assumed_files, "_MOST_FILES", 1)
    write_artifact(repository, "w", {"large": LARGE, "small": "1"})
    first = store_version(project, weights="w")
    write_artifact(repository, "w", {"large": LARGE})
    second = store_version(project, "1.1.0", weights="w")
    write_artifact(repository, "w", {"large": b"four" + LARGE[4:], "small": "1"})
    roll_back(project, (first, second))
    assert (repository.path / "w/large").read_bytes() == LARGE


def test_without_a_second_thread_every_file_is_read(
    project: Project, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_thread = threading.Thread.start
    refused: list[threading.Thread] = []

    def refuse_first(thread: threading.Thread) -> None:
        if not refused:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        start_thread(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_first)
    _, asked = roll_back(project, records)
    assert len(refused) == 1
    # it was not even asked for before
    assert len(asked) == 1
    assert read_artifact(project) == LARGE
