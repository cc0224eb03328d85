from __future__ import annotations

import errno
import io
import itertools
import os
import socket
import time
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from mlver.storage.remote.blobs import (
    BlobError,
    BlobMissing,
    BlobStore,
    BytesBlob,
    FileSource,
    PutOutcome,
    TransientBlobError,
)
from mlver.storage.remote.directory import MARKER, DirectoryBlobs, init_directory
from mlver.storage.remote.retrying import RetryingBlobs
from mlver.system import durable
from tests.storage.remote.blob_conformance import KEY, BlobConformance, list_keys, read_blob
from tests.storage.remote.transfers import store_contents


@pytest.fixture
def blobs(tmp_path: Path) -> DirectoryBlobs:
    init_directory(tmp_path / "shared")
    return DirectoryBlobs(tmp_path / "shared")


class TestDirectory(BlobConformance):
    @pytest.fixture
    def blobs(self, tmp_path: Path) -> BlobStore:
        init_directory(tmp_path / "shared")
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
    blobs.put_blob(KEY, BytesBlob(b"x"))
    assert calls == ["flush shared", "flush objects", "flush data", "link", "flush ab"]
    calls.clear()
    blobs.put_blob(KEY, BytesBlob(b"other"))
    assert calls == ["flush ab"]
    calls.clear()
    blobs.replace_blob(KEY, BytesBlob(b"y"))
    assert calls == ["flush data", "replace", "flush ab"]
    calls.clear()
    blobs.delete_blob(KEY)
    assert calls == ["flush ab"]


def test_stored_files_are_read_only_and_no_temporaries_stay(blobs: DirectoryBlobs) -> None:
    blobs.put_blob(KEY, BytesBlob(b"x"))
    assert (blobs.root / KEY).stat().st_mode & 0o222 == 0
    assert os.listdir(blobs.root / "objects/ab") == ["abcd"]
    assert sorted(os.listdir(blobs.root)) == [MARKER, "objects"]


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
        blobs.put_blob("objects/new", BytesBlob(b"x"))
    with pytest.raises(BlobError):
        blobs.delete_blob("objects/secret")
    assert list_keys(blobs) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]
    blobs.replace_blob("top", BytesBlob(b"ours"))
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
    blobs.put_blob(KEY, BytesBlob(b"x"))
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
        lambda: blobs.put_blob(KEY, BytesBlob(b"x")),
        lambda: blobs.delete_blob(KEY),
    ):
        with pytest.raises(BlobError, match="does not exist") as caught:
            call()
        assert not isinstance(caught.value, BlobMissing)
        assert caught.value.hint == f"ls -la {tmp_path}"
    assert not blobs.root.exists()


def test_a_directory_without_the_marker_is_neither_empty_nor_filled(tmp_path: Path) -> None:
    init_directory(tmp_path / "mount")
    blobs = DirectoryBlobs(tmp_path / "mount")
    blobs.put_blob(KEY, BytesBlob(b"x"))
    init_directory(tmp_path / "mount")
    assert list_keys(blobs) == [KEY]
    blobs.root.rename(tmp_path / "away")
    blobs.root.mkdir()
    for call in (
        lambda: list(blobs.list_blobs("")),
        lambda: blobs.stat_blob(KEY),
        lambda: blobs.put_blob(KEY, BytesBlob(b"x")),
        lambda: blobs.replace_blob(KEY, BytesBlob(b"x")),
        lambda: blobs.delete_blob(KEY),
        blobs.sweep_leftovers,
    ):
        with pytest.raises(BlobError, match="is no store of mlver's") as caught:
            call()
        assert not isinstance(caught.value, BlobMissing)
        assert caught.value.hint == f"ls -la {blobs.root}"
    assert os.listdir(blobs.root) == []
    (blobs.root / MARKER).touch()
    assert blobs.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.CREATED


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.ENOSPC])
@pytest.mark.parametrize("folder_name", ["shared", "objects", "ab"])
def test_a_flush_that_failed_is_not_tried_again_and_believed(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch, code: int, folder_name: str
) -> None:
    fsync = os.fsync
    failed: list[str] = []

    def fail_once(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        if name == folder_name and not failed:
            failed.append(name)
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_once)
    retrying = RetryingBlobs(blobs, sleep=lambda _: None)
    with pytest.raises(BlobError) as caught:
        retrying.put_blob(KEY, BytesBlob(b"x"))
    assert type(caught.value) is BlobError
    assert failed == [folder_name]


def test_a_folder_whose_flush_failed_is_made_and_flushed_again(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(BlobError):
            blobs.put_blob(KEY, BytesBlob(b"x"))
    assert os.listdir(blobs.root) == [MARKER]


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK])
def test_a_file_system_without_hard_links_or_modes_takes_blobs(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "fchmod", refuse)
    assert blobs.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.CREATED
    assert blobs.put_blob(KEY, BytesBlob(b"y")) is PutOutcome.ALREADY_THERE
    assert read_blob(blobs, KEY) == b"x"
    assert sorted(os.listdir(blobs.root)) == [MARKER, "objects"]


def test_without_hard_links_a_name_that_was_taken_meanwhile_stays(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_race(*_: object, **__: object) -> None:
        (blobs.root / KEY).write_bytes(b"first")
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", lose_race)
    assert blobs.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.ALREADY_THERE
    assert read_blob(blobs, KEY) == b"first"


class UnreadableSource:
    """A file whose disk fails."""

    size = 5

    def __init__(self, path: Path) -> None:
        self._path = path
        self.opened = 0

    def open_stream(self) -> BinaryIO:
        self.opened += 1
        return cast(BinaryIO, UnreadableStream(self._path))


class UnreadableStream(io.FileIO):
    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_errors_of_reading_the_source_are_not_those_of_the_directory(
    blobs: DirectoryBlobs, tmp_path: Path
) -> None:
    retrying = RetryingBlobs(blobs, sleep=lambda _: None)
    with pytest.raises(BlobError) as caught:
        retrying.put_blob(KEY, FileSource(tmp_path / "none", 5))
    assert type(caught.value) is BlobError
    assert os.fspath(tmp_path / "none") in caught.value.message
    (tmp_path / "source").write_bytes(b"12345")
    source = UnreadableSource(tmp_path / "source")
    for call in (retrying.put_blob, retrying.replace_blob):
        with pytest.raises(BlobError) as caught:
            call(KEY, source)
        assert type(caught.value) is BlobError
        assert os.fspath(tmp_path / "source") in caught.value.message
        assert os.fspath(blobs.root) not in caught.value.message
    assert source.opened == 2


def test_temporaries_are_swept_once_they_are_a_day_old(
    blobs: DirectoryBlobs, tmp_path: Path
) -> None:
    young, old = blobs.root / durable.temporary_name(), blobs.root / durable.temporary_name()
    strange = blobs.root / ".strange"
    for path in (young, old, strange):
        path.write_bytes(b"x")
    now = time.time()
    os.utime(young, (now, now - 23 * 3600))
    for path in (old, strange):
        os.utime(path, (now, now - 25 * 3600))
    store_contents(RetryingBlobs(blobs), tmp_path / "spool", [])
    assert young.exists()
    assert old.exists()
    store_contents(RetryingBlobs(blobs), tmp_path / "spool", [b"content"])
    assert sorted(os.listdir(blobs.root)) == sorted([young.name, MARKER, ".strange", "packs"])


def test_a_close_that_fails_is_not_repeated_on_the_same_number(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs.put_blob(KEY, BytesBlob(b"x"))
    close = os.close
    closed: list[int] = []

    def fail_first(descriptor: int) -> None:
        close(descriptor)
        closed.append(descriptor)
        if len(closed) == 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "close", fail_first)
    with pytest.raises(BlobError):
        blobs.delete_blob(KEY)
    monkeypatch.undo()
    assert len(closed) == len(set(closed)) == 3


def test_a_link_whose_answer_was_lost_is_still_ours(
    blobs: DirectoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def link_twice(*arguments: Any, **options: Any) -> None:
        link(*arguments, **options)
        link(*arguments, **options)

    monkeypatch.setattr(os, "link", link_twice)
    assert blobs.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.CREATED
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
        blobs.put_blob(KEY, BytesBlob(b"x"))
    monkeypatch.setattr(os, call, real)
    # A flush that failed says so once: to try it again would prove nothing.
    assert type(caught.value) is (BlobError if call == "fsync" else kind)
    assert os.fspath(blobs.root / KEY) in caught.value.message
    assert list_keys(blobs) == []
    assert blobs.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.CREATED


def test_many_writers_leave_no_descriptor_open(blobs: DirectoryBlobs) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        blobs.put_blob(f"objects/{number:02x}/a", BytesBlob(b"x"))
        with pytest.raises(BlobMissing):
            blobs.stat_blob("objects/none/a")
    next(iter(itertools.islice(blobs.list_blobs("objects/"), 1)))
    assert len(os.listdir("/proc/self/fd")) == before
