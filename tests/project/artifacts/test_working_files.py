"""A version's files put in place: all of them, nothing else, and nothing lost on the way."""

from __future__ import annotations

import errno
import os

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.project.artifacts import file_changes, storing, working_files
from mlver.project.artifacts.file_list import FileList
from mlver.project.edit import intent
from mlver.project.project import Project
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.system import durable
from tests.conftest import Repository
from tests.project.artifacts.helpers import (
    LARGE,
    as_bytes,
    break_object,
    lose_object,
    read_artifact,
)
from tests.project.helpers import (
    Files,
    read_tree,
    remove_path,
    store_version,
    write_artifact,
)

# Each is stored, then the second is turned into the first.
CHANGES: dict[str, tuple[Files | str | bytes, Files | str | bytes]] = {
    "a file": ("one", "two"),
    "a large file": (LARGE, LARGE + b"!"),
    "files changed, added and removed": (
        {"a": "1", "b": "2", "d/e": "3"},
        {"a": "x", "c": "2", "d/f/g": "4"},
    ),
    "a file where a directory was": ("one", {"a": "1", "d/e": "2"}),
    "a directory where a file was": ({"a": "1", "d/e": "2"}, "one"),
    "an inner file where a directory was": ({"a": "1", "b": "2"}, {"a/x/y": "1", "b": "2"}),
    "an inner directory where a file was": ({"a/x/y": "1"}, {"a": "0"}),
    "names of any kind": (
        {"grüße\n": "1", os.fsdecode(b"\xff"): "2", "back\\slash": "3"},
        {"grüße": "1"},
    ),
    "the same bytes many times": (
        {"a": "same", "b": "same"},
        {"b": "same", "c": "same", "d": "same"},
    ),
}


@pytest.mark.parametrize(("first", "second"), CHANGES.values(), ids=CHANGES)
def test_there_and_back(
    project: Project,
    repository: Repository,
    first: Files | str | bytes,
    second: Files | str | bytes,
) -> None:
    records = []
    for number, files in (("1.0.0", first), ("2.0.0", second)):
        write_artifact(repository, "w", files)
        records.append(store_version(project, number, weights="w"))
    for record, files in zip(records, (first, second), strict=True):
        done = working_files.check_out_version(project, record)
        assert read_artifact(project) == as_bytes(files)
        assert done.written > 0
        assert done.saved == ()
        again = working_files.check_out_version(project, record)
        assert (again.written, again.removed) == (0, 0)
        assert again.unchanged == record.weights.files
    assert intent.read_pending(project.state_directory) is None


def test_an_empty_place_is_filled_and_several_artifacts_are_put_together(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "models/w", {"a": "1"})
    write_artifact(repository, "data/golden.jsonl", "gold")
    record = store_version(project, weights="models/w", golden="data/golden.jsonl")
    remove_path(repository.path / "models")
    remove_path(repository.path / "data")
    done = working_files.check_out_version(project, record)
    assert (done.written, done.removed, done.unchanged) == (2, 0, 0)
    assert read_artifact(project, "models/w") == {"a": b"1"}
    assert read_artifact(project, "data/golden.jsonl") == b"gold"


@pytest.mark.parametrize("inner", ["", "/a", "/a/b/c"])
def test_folders_without_files_are_no_obstacle(
    project: Project, repository: Repository, inner: str
) -> None:
    write_artifact(repository, "w", {"a": "1", "z": "2"} if inner else "one")
    record = store_version(project, weights="w")
    remove_path(repository.path / f"w{inner[:2]}")
    (repository.path / f"w{inner}").mkdir(parents=True)
    working_files.check_out_version(project, record)
    assert read_artifact(project) == ({"a": b"1", "z": b"2"} if inner else b"one")


def test_folders_left_empty_are_removed_but_none_above_the_root(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", {"a": "1", "d/e/f": "2"})
    store_version(project, "2.0.0", weights="w")
    remove_path(repository.path / "w/d")
    record = store_version(project, weights="w")
    write_artifact(repository, "w", {"a": "1", "d/e/f": "2"})
    done = working_files.check_out_version(project, record)
    assert done.removed == 1
    assert not (repository.path / "w/d").exists()
    assert repository.path.is_dir()


# -- what would be lost ----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [20, 1 << 17])
def test_a_file_that_changes_while_it_is_saved_is_not_replaced(
    project: Project, repository: Repository, size: int
) -> None:
    repository.write("w", b"c" * size)
    before = FileList.from_entries("", [(b"w", Digest.of_bytes(b"as it was").hex)])
    with pytest.raises(MlverError, match="w changed while it was saved"):
        file_changes.save_files(project, project.top_folder, before)


@pytest.mark.parametrize("count", [1, 300])
def test_files_of_every_size_are_saved(
    project: Project, repository: Repository, count: int
) -> None:
    contents = {f"w/{number}": b"%d" % number for number in range(count)}
    contents["w/large"] = b"large" * (1 << 15)
    entries = []
    for path, data in sorted(contents.items()):
        repository.write(path, data)
        entries.append((path.encode(), Digest.of_bytes(data).hex))
    file_changes.save_files(project, project.top_folder, FileList.from_entries("", entries))
    assert not storing.open_store(project).find_missing(map(Digest.of_bytes, contents.values()))


def test_bytes_stored_nowhere_are_refused_saved_or_lost_as_told(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", {"a": "1", "b": "2"})
    record = store_version(project, weights="w")
    write_artifact(repository, "w", {"a": "unsaved", "b": "2", "extra": "mine"})
    before = read_tree(repository.path)
    with pytest.raises(
        MlverError, match=r"stored nowhere, .* --force to lose them:\n  w/a\n  w/extra$"
    ) as refused:
        working_files.check_out_version(project, record)
    assert refused.value.hint == "mlver register m --bump patch -m WHY"
    assert read_tree(repository.path) == before
    done = working_files.check_out_version(project, record, save=True)
    assert dict(done.saved) == {
        "w/a": Digest.of_bytes(b"unsaved").hex,
        "w/extra": Digest.of_bytes(b"mine").hex,
    }
    assert not storing.open_store(project).find_missing(
        Digest.of_bytes(data) for data in (b"unsaved", b"mine")
    )
    assert read_artifact(project) == {"a": b"1", "b": b"2"}
    write_artifact(repository, "w", {"a": "lost", "b": "2"})
    assert working_files.check_out_version(project, record, force=True).saved == ()
    assert read_artifact(project) == {"a": b"1", "b": b"2"}
    assert storing.open_store(project).find_missing([Digest.of_bytes(b"lost")])


def test_a_dry_run_tells_and_touches_nothing(project: Project, repository: Repository) -> None:
    write_artifact(repository, "w", {"a": "1", "b": "2"})
    record = store_version(project, weights="w")
    write_artifact(repository, "w", {"a": "unsaved", "c": "3"})
    before = read_tree(repository.path)
    with pytest.raises(MlverError, match="stored nowhere"):
        working_files.check_out_version(project, record, dry_run=True)
    told = working_files.check_out_version(project, record, save=True, dry_run=True)
    assert (told.written, told.removed, len(told.saved)) == (2, 1, 2)
    assert read_tree(repository.path) == before
    assert storing.open_store(project).find_missing([Digest.of_bytes(b"unsaved")])


@pytest.mark.parametrize("data", [b"precious", LARGE])
def test_a_damaged_copy_is_no_copy(project: Project, repository: Repository, data: bytes) -> None:
    """The working file is the last that holds these bytes: the copy in the store is damaged."""
    write_artifact(repository, "w", "one")
    record = store_version(project, weights="w")
    write_artifact(repository, "w", data)
    second = store_version(project, "2.0.0", weights="w")
    break_object(project, data)
    with pytest.raises(MlverError, match="stored nowhere"):
        working_files.check_out_version(project, record)
    assert read_artifact(project) == data
    working_files.check_out_version(project, record, save=True)
    assert read_artifact(project) == b"one"
    remove_path(repository.path / "w")
    working_files.check_out_version(project, second)
    assert read_artifact(project) == data


@pytest.mark.parametrize("data", [b"small", LARGE])
@pytest.mark.parametrize("gone", [True, False])
def test_without_sound_objects_no_file_changes(
    project: Project, repository: Repository, data: bytes, gone: bool
) -> None:
    write_artifact(repository, "w", {"a": data, "b": b"also"})
    record = store_version(project, weights="w")
    write_artifact(repository, "w", {"a": "2", "b": "3"})
    store_version(project, "2.0.0", weights="w")
    lose_object(project, data) if gone else break_object(project, data)
    before = read_tree(repository.path)
    with pytest.raises((ObjectMissing, ObjectDamaged, MlverError)):
        working_files.check_out_version(project, record)
    assert read_tree(repository.path) == before
    assert intent.read_pending(project.state_directory) is None


@pytest.mark.parametrize("second", ["file", {"a/b/c": "deep"}], ids=["a file", "folders"])
def test_nothing_makes_way_for_what_cannot_come(
    project: Project, repository: Repository, second: Files | str
) -> None:
    write_artifact(repository, "w", {"a": "1", "b": LARGE})
    record = store_version(project, weights="w")
    write_artifact(repository, "w", second)
    store_version(project, "2.0.0", weights="w")
    lose_object(project, LARGE)
    with pytest.raises(MlverError, match="not in the object store"):
        working_files.check_out_version(project, record)
    assert read_artifact(project) == as_bytes(second)
    assert intent.read_pending(project.state_directory) is None


@pytest.mark.parametrize("second", ["file", {"a/b/c": "deep"}], ids=["a file", "folders"])
def test_a_full_disk_is_met_before_anything_makes_way(
    project: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch, second: Files | str
) -> None:
    write_artifact(repository, "w", {"a": "1", "b": "2"})
    record = store_version(project, weights="w")
    write_artifact(repository, "w", second)
    store_version(project, "2.0.0", weights="w")
    before = read_tree(repository.path)

    def full(_: object, path: str, *__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", path)

    with monkeypatch.context() as patched:
        patched.setattr("mlver.storage.local.export._write_file", full)
        with pytest.raises(MlverError, match="no file was replaced"):
            working_files.check_out_version(project, record)
    assert read_tree(repository.path) == before
    working_files.check_out_version(project, record)
    assert read_artifact(project) == {"a": b"1", "b": b"2"}


def test_a_failure_after_that_leaves_a_plan_to_finish(
    project: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_artifact(repository, "w", {"a": "1", "b": "2"})
    record = store_version(project, weights="w")
    write_artifact(repository, "w", "file")
    store_version(project, "2.0.0", weights="w")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("mlver.storage.local.export.durable.replace_group", fail)
        with pytest.raises(MlverError, match="or out of the way: run the same command again"):
            working_files.check_out_version(project, record)
    assert intent.read_pending(project.state_directory) is not None
    with editing(project, "test"):
        pass
    assert read_artifact(project) == {"a": b"1", "b": b"2"}


def test_what_a_killed_checkout_prepared_beside_the_place_is_swept(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "models/w", {"a/b": "1"})
    record = store_version(project, weights="models/w")
    left = [
        repository.path / f"{place}{durable.TEMPORARY}1"
        for place in ("", "models/", "models/w/", "models/w/a/")
    ]
    for path in left:
        path.write_text("half")
    working_files.sweep_leftovers(project, record, project.top_folder)
    assert not any(path.exists() for path in left)


def test_a_missing_manifest_is_named(project: Project, repository: Repository) -> None:
    write_artifact(repository, "w", {"a": "1", "b": "2"})
    record = store_version(project, weights="w")
    path = layout.manifest_path(record.weights.digest)
    (repository.path / path).unlink()
    with pytest.raises(MlverError, match="is missing: it lists the files of w") as refused:
        working_files.check_out_version(project, record)
    assert refused.value.hint == f"git checkout -- {path}"
