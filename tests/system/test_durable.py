from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlver.system import durable


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was flushed or renamed, in order."""
    calls: list[str] = []
    fsync, replace, link = os.fsync, os.replace, os.link

    def spy_fsync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        calls.append("flush " + ("temporary" if durable.is_temporary(name) else name))
        fsync(descriptor)

    def spy_replace(old: Path, new: Path) -> None:
        calls.append(f"name {Path(new).name}")
        replace(old, new)

    def spy_link(old: Path, new: Path) -> None:
        calls.append(f"name {Path(new).name}")
        link(old, new)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "replace", spy_replace)
    monkeypatch.setattr(os, "rename", spy_replace)
    monkeypatch.setattr(os, "link", spy_link)
    return calls


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_write_flushes_the_data_then_names_it_then_flushes_the_name(
    tmp_path: Path, flushed: list[str]
) -> None:
    durable.write_file(tmp_path / "a", b"old")
    durable.write_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert flushed == ["flush temporary", "name a", f"flush {tmp_path.name}"] * 2
    assert names(tmp_path) == ["a"]


def test_create_refuses_a_taken_name_and_leaves_it_alone(
    tmp_path: Path, flushed: list[str]
) -> None:
    durable.create_file(tmp_path / "a", b"first")
    assert flushed == ["flush temporary", "name a", f"flush {tmp_path.name}"]
    with pytest.raises(FileExistsError):
        durable.create_file(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert names(tmp_path) == ["a"]


def test_make_directory_flushes_every_parent_with_a_new_entry(
    tmp_path: Path, flushed: list[str]
) -> None:
    (tmp_path / "a").mkdir()
    durable.make_directory(tmp_path / "a/b/c")
    assert flushed == ["flush a", "flush b"]
    durable.make_directory(tmp_path / "a/b/c")
    assert len(flushed) == 2


def test_remove_is_flushed_and_may_be_repeated(tmp_path: Path, flushed: list[str]) -> None:
    (tmp_path / "a").write_bytes(b"x")
    durable.remove_file(tmp_path / "a")
    durable.remove_file(tmp_path / "a")
    assert flushed == [f"flush {tmp_path.name}"] * 2
    assert names(tmp_path) == []


def test_a_group_flushes_all_data_before_the_first_name(tmp_path: Path, flushed: list[str]) -> None:
    pairs = []
    for name in "ab":
        prepared = tmp_path / durable.temporary_name()
        prepared.write_text(name)
        pairs.append((prepared, tmp_path / name))
    durable.sync_files([prepared for prepared, _ in pairs])
    durable.replace_group(pairs)
    assert flushed == ["flush temporary"] * 2 + ["name a", "name b", f"flush {tmp_path.name}"]


def test_a_large_group_is_flushed_as_a_file_system(tmp_path: Path, flushed: list[str]) -> None:
    paths = [tmp_path / str(number) for number in range(durable.SYNCFS_FROM)]
    for path in paths:
        path.touch()
    durable.sync_files(paths)
    assert flushed == []
    durable.sync_files(paths[1:])
    assert len(flushed) == durable.SYNCFS_FROM - 1


@pytest.mark.parametrize("fails", ["fsync", "replace", "write"])
def test_a_failed_write_changes_nothing_and_names_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, fails if fails != "replace" else "rename", fail)
    monkeypatch.setattr(os, fails, fail)
    with pytest.raises(OSError, match="No space left") as caught:
        durable.write_file(tmp_path / "a", b"new")
    assert fails == "replace" or str(tmp_path) in str(caught.value.filename)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:3]))
    durable.write_file(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_sweep_removes_temporaries_only(tmp_path: Path) -> None:
    for name in (durable.temporary_name(), "kept", ".mlver"):
        (tmp_path / name).touch()
    assert durable.sweep_temporaries(tmp_path) == 1
    assert names(tmp_path) == [".mlver", "kept"]
    assert durable.sweep_temporaries(tmp_path / "absent") == 0
    assert durable.is_temporary(durable.temporary_name().encode())


def test_directories_are_synced_the_way_this_system_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On macOS fsync leaves names in the drive's cache as it does bytes."""
    asked: list[int] = []
    monkeypatch.setattr(durable, "_FULL_FSYNC", 51)
    monkeypatch.setattr("fcntl.fcntl", lambda _, request: asked.append(request))
    durable.sync_directory(tmp_path)
    assert asked == [51]
