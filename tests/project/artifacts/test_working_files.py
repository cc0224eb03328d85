"""A version's files put in place: all of them, nothing else, and nothing lost on the way."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.project.artifacts import storing, working_files
from mlver.project.edit import intent
from mlver.project.project import Project
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.storage import LocalStore
from mlver.system import durable, lock
from tests.conftest import CHECKOUT, Repository
from tests.project.helpers import (
    Files,
    flip_bit,
    read_tree,
    remove_path,
    store_version,
    write_artifact,
)

LARGE = b"large " * 400_000  # stored as a file of its own


def at(project: Project, path: str = "w") -> dict[str, bytes] | bytes:
    where = project.top_folder / path
    return where.read_bytes() if where.is_file() else read_tree(where)


def break_object(project: Project, data: bytes) -> None:
    """Change one bit of what the store keeps of these bytes."""
    (place,) = storing.open_store(project).find_locations({Digest.of_bytes(data).hex})[
        Digest.of_bytes(data).hex
    ]
    flip_bit(Path(place.path), place.offset)


def lose_object(project: Project, data: bytes) -> None:
    (place,) = storing.open_store(project).find_locations({Digest.of_bytes(data).hex})[
        Digest.of_bytes(data).hex
    ]
    Path(place.path).unlink()


def as_bytes(files: Files | str | bytes) -> dict[str, bytes] | bytes:
    if isinstance(files, str | bytes):
        return files.encode() if isinstance(files, str) else files
    return {
        name: content.encode() if isinstance(content, str) else content
        for name, content in files.items()
    }


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
        assert at(project) == as_bytes(files)
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
    assert at(project, "models/w") == {"a": b"1"}
    assert at(project, "data/golden.jsonl") == b"gold"


@pytest.mark.parametrize("inner", ["", "/a", "/a/b/c"])
def test_folders_without_files_are_no_obstacle(
    project: Project, repository: Repository, inner: str
) -> None:
    write_artifact(repository, "w", {"a": "1", "z": "2"} if inner else "one")
    record = store_version(project, weights="w")
    remove_path(repository.path / f"w{inner[:2]}")
    (repository.path / f"w{inner}").mkdir(parents=True)
    working_files.check_out_version(project, record)
    assert at(project) == ({"a": b"1", "z": b"2"} if inner else b"one")


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


# -- what would be lost ----------------------------------------------------------------------------------------------


def test_a_file_that_changes_while_it_is_saved_is_not_replaced(
    project: Project, repository: Repository
) -> None:
    repository.write("w", "changed since it was looked at")
    with pytest.raises(MlverError, match="w changed while it was saved"):
        working_files._save_files(
            project, project.top_folder, (("w", Digest.of_bytes(b"as it was").hex),)
        )


def test_bytes_stored_nowhere_are_refused_saved_or_lost_as_told(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", {"a": "1", "b": "2"})
    record = store_version(project, weights="w")
    write_artifact(repository, "w", {"a": "unsaved", "b": "2", "extra": "mine"})
    before = read_tree(repository.path)
    with pytest.raises(
        MlverError, match=r"stored nowhere, and would be overwritten:\n  w/a\n  w/extra$"
    ) as refused:
        working_files.check_out_version(project, record)
    assert "--force to lose them" in (refused.value.hint or "")
    assert read_tree(repository.path) == before
    done = working_files.check_out_version(project, record, save=True)
    assert dict(done.saved) == {
        "w/a": Digest.of_bytes(b"unsaved").hex,
        "w/extra": Digest.of_bytes(b"mine").hex,
    }
    assert not storing.open_store(project).find_missing(
        Digest.of_bytes(data) for data in (b"unsaved", b"mine")
    )
    assert at(project) == {"a": b"1", "b": b"2"}
    write_artifact(repository, "w", {"a": "lost", "b": "2"})
    assert working_files.check_out_version(project, record, force=True).saved == ()
    assert at(project) == {"a": b"1", "b": b"2"}
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
    """The working file is the last that holds these bytes, whatever the store has under their name."""
    write_artifact(repository, "w", "one")
    record = store_version(project, weights="w")
    write_artifact(repository, "w", data)
    second = store_version(project, "2.0.0", weights="w")
    break_object(project, data)
    with pytest.raises(MlverError, match="stored nowhere"):
        working_files.check_out_version(project, record)
    assert at(project) == data
    working_files.check_out_version(project, record, save=True)
    assert at(project) == b"one"
    remove_path(repository.path / "w")
    working_files.check_out_version(project, second)
    assert at(project) == data


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
    assert at(project) == as_bytes(second)
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

    def full(path: str, _: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", path)

    with monkeypatch.context() as patched:
        patched.setattr("mlver.storage.export._write_file", full)
        with pytest.raises(MlverError, match="no file was replaced"):
            working_files.check_out_version(project, record)
    assert read_tree(repository.path) == before
    working_files.check_out_version(project, record)
    assert at(project) == {"a": b"1", "b": b"2"}


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
        patched.setattr("mlver.storage.export.durable.replace_group", fail)
        with pytest.raises(MlverError, match="or out of the way: run the same command again"):
            working_files.check_out_version(project, record)
    assert intent.read_pending(project.state_directory) is not None
    with editing(project, "test"):
        pass
    assert at(project) == {"a": b"1", "b": b"2"}


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


# -- symlinks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    place.mkdir()
    (place / "a").write_text("1")
    (place / "extra").write_text("2")
    return place


@pytest.mark.parametrize("dry_run", [True, False])
def test_nothing_is_written_or_removed_through_a_symlink(
    project: Project, repository: Repository, outside: Path, dry_run: bool
) -> None:
    """All bytes are stored, so that nothing but the link itself stands against it."""
    write_artifact(repository, "models/w", {"a": "1", "extra": "2"})
    store_version(project, "2.0.0", weights="models/w")
    write_artifact(repository, "models/w", {"a": "1"})
    record = store_version(project, weights="models/w")
    remove_path(repository.path / "models")
    (outside / "w").mkdir()
    for name in ("a", "extra"):
        (outside / name).rename(outside / "w" / name)
    (repository.path / "models").symlink_to(outside)
    before = read_tree(outside)
    with pytest.raises(MlverError, match="passes through the symlink 'models'"):
        working_files.check_out_version(project, record, save=True, force=True, dry_run=dry_run)
    assert read_tree(outside) == before


# Each is an artifact as it is to be, and where a link to `outside` (a: 1, extra: 2) stands in its place.
BEHIND_LINKS: dict[str, tuple[Files | str, str]] = {
    "a folder that differs": ({"a": "1", "b": "2"}, ""),
    "a folder with less": ({"a": "1"}, ""),
    "a file": ("one", ""),
    "a folder inside": ({"sub/a": "1", "sub/b/c": "2", "x": "3"}, "/sub"),
    "a file inside": ({"sub": "1", "x": "3"}, "/sub"),
    "nothing": ({"x": "3"}, "/sub"),
    "deeper": ({"sub/a": "1", "x": "3"}, "/sub/a"),
}


@pytest.mark.parametrize(("files", "link"), BEHIND_LINKS.values(), ids=BEHIND_LINKS)
def test_a_link_to_a_folder_makes_way_for_the_real_thing(
    project: Project, repository: Repository, outside: Path, files: Files | str, link: str
) -> None:
    """Nothing behind it is stored, and nothing behind it is touched: only the link goes."""
    write_artifact(repository, "models/w", files)
    record = store_version(project, weights="models/w")
    remove_path(repository.path / f"models/w{link}")
    (repository.path / f"models/w{link}").parent.mkdir(exist_ok=True)
    (repository.path / f"models/w{link}").symlink_to(outside)
    before, links = read_tree(outside), repository.path / f"models/w{link}"
    told = working_files.check_out_version(project, record, dry_run=True)
    assert links.is_symlink()
    done = working_files.check_out_version(project, record)
    assert (told.written, told.removed) == (done.written, done.removed)
    assert done.removed == (files == {"x": "3"})
    assert at(project, "models/w") == as_bytes(files)
    assert not links.is_symlink()
    assert read_tree(outside) == before
    assert intent.read_pending(project.state_directory) is None


def test_a_link_to_a_folder_that_is_right_stays(
    project: Project, repository: Repository, outside: Path
) -> None:
    write_artifact(repository, "w", {"sub/a": "1", "sub/extra": "2", "x": "old"})
    record = store_version(project, weights="w")
    remove_path(repository.path / "w/sub")
    (repository.path / "w/sub").symlink_to(outside)
    (repository.path / "w/x").unlink()
    assert working_files.check_out_version(project, record).written == 1
    assert (repository.path / "w/sub").is_symlink()


def test_links_that_lead_nowhere_or_to_no_file_make_way(
    project: Project, repository: Repository, outside: Path
) -> None:
    write_artifact(repository, "w", {"a/b": "1"})
    record = store_version(project, weights="w")
    remove_path(repository.path / "w")
    (repository.path / "w").symlink_to("nowhere")
    working_files.check_out_version(project, record)
    assert at(project) == {"a/b": b"1"}
    remove_path(repository.path / "w/a/b")
    (repository.path / "w/a/b").mkdir()
    (outside / "empty").mkdir()
    (repository.path / "w/a/b/c").symlink_to(outside / "empty")
    working_files.check_out_version(project, record)
    assert at(project) == {"a/b": b"1"}
    assert (outside / "empty").is_dir()


def test_a_symlink_in_a_files_place_is_replaced_and_its_target_left_alone(
    project: Project, repository: Repository, outside: Path
) -> None:
    write_artifact(repository, "w", {"a": "one", "b": "2"})
    record = store_version(project, weights="w")
    for name, target in (("a", "a"), ("c", "extra")):
        (repository.path / "w" / name).unlink(missing_ok=True)
        (repository.path / "w" / name).symlink_to(outside / target)
    before = read_tree(outside)
    working_files.check_out_version(project, record, save=True)
    assert at(project) == {"a": b"one", "b": b"2"}
    assert not (repository.path / "w/a").is_symlink()
    assert not (repository.path / "w/c").is_symlink()
    assert read_tree(outside) == before


# -- elsewhere -------------------------------------------------------------------------------------------------------


def test_into_another_folder_leaves_the_work_tree_alone(
    project: Project, repository: Repository, tmp_path: Path
) -> None:
    write_artifact(repository, "models/w", {"a": "1", "b": "2"})
    record = store_version(project, weights="models/w")
    write_artifact(repository, "models/w", {"a": "working"})
    into = tmp_path / "elsewhere/deep"
    done = working_files.check_out_version(project, record, into=into)
    assert (done.root, done.written) == (str(into), 2)
    assert read_tree(into) == {"models/w/a": b"1", "models/w/b": b"2"}
    assert at(project, "models/w") == {"a": b"working"}
    (into / "models/w/a").write_text("precious")
    with pytest.raises(MlverError, match="stored nowhere"):
        working_files.check_out_version(project, record, into=into)
    assert (into / "models/w/a").read_text() == "precious"


def test_a_file_where_the_folder_should_be_is_refused(
    project: Project, repository: Repository, tmp_path: Path
) -> None:
    write_artifact(repository, "w", {"a": "1"})
    record = store_version(project, weights="w")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(MlverError, match="failed"):
        working_files.check_out_version(project, record, into=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


# -- private copies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", ["one", {"a": "1", "d/b": "2"}], ids=["file", "directory"])
def test_a_private_copy_is_proven_each_time(
    project: Project, repository: Repository, files: Files | str
) -> None:
    write_artifact(repository, "models/net.safetensors", files)
    record = store_version(project, weights="models/net.safetensors")
    place = working_files.make_private_copy(project, record.weights)
    assert place.is_relative_to(project.state_directory)
    assert place.name == "net.safetensors"
    assert working_files.make_private_copy(project, record.weights) == place
    damaged = place if place.is_file() else place / "d/b"
    flip_bit(damaged)
    working_files.make_private_copy(project, record.weights)
    assert (place.read_bytes() if place.is_file() else read_tree(place)) == as_bytes(files)


def test_a_private_copy_with_strange_files_is_refused(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "w", {"a": "1"})
    record = store_version(project, weights="w")
    place = working_files.make_private_copy(project, record.weights)
    (place / "stranger").write_text("x")
    with pytest.raises(MlverError, match="holds files that do not belong to w") as refused:
        working_files.make_private_copy(project, record.weights)
    assert "move" in (refused.value.hint or "")


@pytest.mark.parametrize(
    "link", ["checkouts", "checkouts/{digest}", "checkouts/{digest}/w", "checkouts/{digest}/w/d"]
)
def test_a_private_copy_is_never_written_through_a_symlink(
    project: Project, repository: Repository, outside: Path, link: str
) -> None:
    write_artifact(repository, "models/w", {"a": "one", "d/b": "2"})
    record = store_version(project, weights="models/w")
    place = project.state_directory / link.format(digest=record.weights.digest.hex)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(outside)
    (outside / "w").mkdir()
    (outside / "w/a").write_text("precious")
    before = read_tree(outside)
    with pytest.raises(MlverError, match="passes through the symlink"):
        working_files.make_private_copy(project, record.weights)
    assert read_tree(outside) == before


def test_a_private_copy_leaves_no_temporaries_of_dead_processes(
    project: Project, repository: Repository
) -> None:
    write_artifact(repository, "models/w", {"a": "1", "d/b": "2"})
    record = store_version(project, weights="models/w")
    place = working_files.make_private_copy(project, record.weights)
    (place / "d" / f"{durable.TEMPORARY}1").write_text("half")
    flip_bit(place / "a")
    working_files.make_private_copy(project, record.weights)
    assert read_tree(place) == {"a": b"1", "d/b": b"2"}


def test_processes_that_want_the_same_private_copy_all_get_it(
    project: Project, repository: Repository
) -> None:
    write_artifact(
        repository, "models/w", {f"{number:03}": f"{number}" * 1000 for number in range(300)}
    )
    record = store_version(project, weights="models/w")
    program = (
        "import sys; from pathlib import Path; from mlver.project.artifacts import measuring, working_files;"
        "from mlver.project.project import Project; project = Project.open_existing(Path(sys.argv[1]));"
        "record, _ = project.registry.read_version('m', '1.0.0');"
        "print(measuring.measure_path(working_files.make_private_copy(project, record.weights)).digest)"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, project.top_folder],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    assert [process.communicate() for process in running] == [
        (f"{record.weights.digest}\n", "")
    ] * 4


def test_a_private_copy_is_made_by_who_holds_the_lock(
    project: Project, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_artifact(repository, "models/w", {"a": "1"})
    record = store_version(project, weights="models/w")
    export = LocalStore.export_objects

    def watched(store: LocalStore, wanted: list[tuple[Digest, Path]]) -> None:
        # a second descriptor is another holder to flock(2), in this process too
        with (
            pytest.raises(MlverError, match="another mlver is writing"),
            lock.hold_lock(store.directory / "checkouts", 0),
        ):
            pass
        export(store, wanted)

    monkeypatch.setattr(LocalStore, "export_objects", watched)
    assert read_tree(working_files.make_private_copy(project, record.weights)) == {"a": b"1"}
