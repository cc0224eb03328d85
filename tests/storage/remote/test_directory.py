from __future__ import annotations

import errno
import itertools
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from mlver.storage.remote.blobs import (
    BlobError,
    BlobMissing,
    BlobStore,
    BytesSource,
    PutOutcome,
    TransientBlobError,
)
from mlver.storage.remote.directory import DirectoryBlobs
from mlver.system import durable
from tests.storage.remote.blob_conformance import KEY, BlobConformance, list_keys, read_blob


@pytest.fixture
def blobs(tmp_path: Path) -> DirectoryBlobs:
    (tmp_path / "shared").mkdir()
    return DirectoryBlobs(tmp_path / "shared")


class TestDirectory(BlobConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> BlobStore:
        (tmp_path / "shared").mkdir()
        return DirectoryBlobs(tmp_path / "shared")


def test_a_blob_is_flushed_before_its_name_and_each_new_folder_as_well(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    fsync, link, replace = os.fsync, os.link, os.replace

    def spy_fsync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        calls.append("flush data" if durable.is_temporary(name) else f"flush {name}")
        fsync(descriptor)

    def spy_link(*arguments: Any, **options: Any) -> None:
        calls.append("link")
        link(*arguments, **options)

    def spy_replace(*arguments: Any, **options: Any) -> None:
        calls.append("replace")
        replace(*arguments, **options)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "link", spy_link)
    monkeypatch.setattr(os, "replace", spy_replace)
    blobs.put_blob(KEY, BytesSource(b"x"))
    assert calls == ["flush shared", "flush objects", "flush data", "link", "flush ab"]
    calls.clear()
    blobs.put_blob(KEY, BytesSource(b"other"))
    assert calls == ["flush ab"]
    calls.clear()
    blobs.replace_blob(KEY, BytesSource(b"y"))
    assert calls == ["flush data", "replace", "flush ab"]
    calls.clear()
    blobs.delete_blob(KEY)
    assert calls == ["flush ab"]


def test_stored_files_are_read_only_and_no_temporaries_stay(blobs: DirectoryBlobs) -> None:
    blobs.put_blob(KEY, BytesSource(b"x"))
    assert (blobs.root / KEY).stat().st_mode & 0o222 == 0
    assert os.listdir(blobs.root / "objects/ab") == ["abcd"]


def test_no_symlink_leads_out(blobs: DirectoryBlobs, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (blobs.root / "objects").symlink_to(outside)
    (blobs.root / "top").symlink_to(outside / "secret")
    for key in ("objects/secret", "top"):
        with pytest.raises(BlobError) as caught:
            blobs.get_range(key, 0, 1)
        assert not isinstance(caught.value, BlobMissing)
        assert caught.value.hint == f"ls -ld {blobs.root / key}"
        with pytest.raises(BlobError):
            blobs.stat_blob(key)
    with pytest.raises(BlobError):
        blobs.put_blob("objects/new", BytesSource(b"x"))
    with pytest.raises(BlobError):
        blobs.delete_blob("objects/secret")
    assert list_keys(blobs) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]
    blobs.replace_blob("top", BytesSource(b"ours"))
    assert (outside / "secret").read_bytes() == b"secret"


def test_what_is_no_file_is_neither_read_nor_waited_for(blobs: DirectoryBlobs) -> None:
    os.mkfifo(blobs.root / "fifo")
    (blobs.root / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(blobs.root / "socket"))
    for key in ("fifo", "folder", "socket"):
        with pytest.raises(BlobError):
            blobs.get_range(key, 0, 1)
    assert list_keys(blobs) == []


def test_what_others_put_there_is_not_listed(blobs: DirectoryBlobs) -> None:
    blobs.put_blob(KEY, BytesSource(b"x"))
    for name in (".nfs0001", "Thumbs.db", durable.temporary_name(), "~backup"):
        (blobs.root / "objects/ab" / name).write_bytes(b"rubbish")
    (blobs.root / ".snapshot").mkdir()
    (blobs.root / ".snapshot/old").write_bytes(b"old")
    assert list_keys(blobs) == [KEY]


def test_a_mount_that_is_gone_is_neither_empty_nor_filled(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path / "mount")
    for call in (
        lambda: list(blobs.list_blobs("")),
        lambda: blobs.stat_blob(KEY),
        lambda: blobs.put_blob(KEY, BytesSource(b"x")),
        lambda: blobs.delete_blob(KEY),
    ):
        with pytest.raises(BlobError, match="does not exist") as caught:
            call()
        assert not isinstance(caught.value, BlobMissing)
        assert f"mkdir -p {tmp_path / 'mount'}" in (caught.value.hint or "")
    assert not blobs.root.exists()


def test_a_link_whose_answer_was_lost_is_still_ours(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def link_twice(*arguments: Any, **options: Any) -> None:
        link(*arguments, **options)
        link(*arguments, **options)

    monkeypatch.setattr(os, "link", link_twice)
    assert blobs.put_blob(KEY, BytesSource(b"x")) is PutOutcome.CREATED
    assert read_blob(blobs, KEY) == b"x"


@pytest.mark.parametrize("call", ["link", "fsync", "write", "fchmod", "mkdir"])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ESTALE, TransientBlobError),
        (errno.EIO, TransientBlobError),
        (errno.ENOSPC, BlobError),
    ],
)
def test_a_failure_has_its_kind_names_the_path_and_leaves_nothing(
    blobs: DirectoryBlobs,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    code: int,
    kind: type[BlobError],
) -> None:
    real = getattr(os, call)

    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(BlobError) as caught:
        blobs.put_blob(KEY, BytesSource(b"x"))
    monkeypatch.setattr(os, call, real)
    assert type(caught.value) is kind
    assert os.fspath(blobs.root / KEY) in caught.value.message
    assert list_keys(blobs) == []
    assert blobs.put_blob(KEY, BytesSource(b"x")) is PutOutcome.CREATED


def test_many_writers_leave_no_descriptor_open(blobs: DirectoryBlobs) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        blobs.put_blob(f"objects/{number:02x}/a", BytesSource(b"x"))
        with pytest.raises(BlobMissing):
            blobs.stat_blob("objects/none/a")
    next(iter(itertools.islice(blobs.list_blobs("objects/"), 1)))
    assert len(os.listdir("/proc/self/fd")) == before
