"""Hashing objects of a prefix: every byte of the object that was listed, or a refusal."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from mlver.errors import MlverError, UsageError
from mlver.records.listing import ListedObject
from mlver.storage.remote import object_hashing as listing
from mlver.storage.remote.blobs import BlobError, BlobMissing, TransientBlobError
from mlver.storage.remote.bucket_directory import DirectoryReader
from mlver.storage.remote.buckets import PIECE_BYTES, ObjectMoved, ObjectPiece
from mlver.storage.remote.object_hashing import hash_chunk, list_prefix, open_reader
from mlver.system.timings import RetryPolicy

BIG = os.urandom(1 << 16) * ((2 * PIECE_BYTES >> 16) + 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in {"a/b.bin": b"b", "a c/ü.bin": b"", "big.bin": BIG, "z": b"z"}.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "data"


def hash_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_every_file_is_listed_and_hashed(folder: Path) -> None:
    listed = list_prefix(folder.as_uri(), {})
    assert [item.key for item in listed] == ["a c/ü.bin", "a/b.bin", "big.bin", "z"]
    hashed = hash_chunk(folder.as_uri(), {}, listed)
    assert [item.listed for item in hashed] == listed
    assert [item.sha256 for item in hashed] == [hash_of(data) for data in (b"", b"b", BIG, b"z")]
    assert [item.size for item in hashed] == [0, 1, len(BIG), 1]


def test_a_chunk_can_be_hashed_in_another_process(folder: Path) -> None:
    listed = list_prefix(folder.as_uri(), {})
    assert pickle.loads(pickle.dumps(hash_chunk)) is hash_chunk
    with ProcessPoolExecutor(1) as executor:
        future = executor.submit(hash_chunk, folder.as_uri(), {}, listed)
        assert future.result() == hash_chunk(folder.as_uri(), {}, listed)


def test_progress_counts_each_byte(folder: Path) -> None:
    counts: list[int] = []
    hash_chunk(folder.as_uri(), {}, list_prefix(folder.as_uri(), {}), progress=counts.append)
    assert sum(counts) == len(BIG) + 2
    assert max(counts) <= PIECE_BYTES


class ChangingReader:
    """A reader whose objects change when they are read: `changes` are called one by one."""

    has_index = False

    def __init__(self, folder: Path, changes: list[Callable[[], None]]) -> None:
        self.inner = DirectoryReader(folder)
        self.changes = changes

    def list_objects(self) -> Iterator[ListedObject]:
        return self.inner.list_objects()

    def stat_object(self, key: str) -> ListedObject:
        return self.inner.stat_object(key)

    def find_claim(self, listed: ListedObject) -> str | None:
        return self.inner.find_claim(listed)

    def read_piece(self, key: str, offset: int, size: int, version: str = "") -> ObjectPiece:
        piece = self.inner.read_piece(key, offset, size, version)
        if self.changes:
            self.changes.pop(0)()
        return piece


def use_reader(monkeypatch: pytest.MonkeyPatch, reader: ChangingReader) -> None:
    monkeypatch.setattr(listing, "open_reader", lambda url, options: reader)
    monkeypatch.setattr(listing, "_RETRIES", RetryPolicy(attempts=3, first_wait=0))


def test_an_object_that_changed_is_listed_again_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = [item for item in list_prefix(folder.as_uri(), {}) if item.key == "big.bin"]

    def change() -> None:
        (folder / "big.bin").write_bytes(b"new")

    use_reader(monkeypatch, ChangingReader(folder, [lambda: None, change]))
    (hashed,) = hash_chunk(folder.as_uri(), {}, listed)
    assert (hashed.size, hashed.sha256) == (3, hash_of(b"new"))
    assert hashed.etag != listed[0].etag


def test_an_object_that_goes_on_changing_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = iter(range(100))
    url = folder.as_uri()
    listed = [item for item in list_prefix(url, {}) if item.key == "z"]

    def change() -> None:
        (folder / "z").write_bytes(b"z" * (2 + next(count)))

    change()
    use_reader(monkeypatch, ChangingReader(folder, [change] * 9))
    # what is there when it is listed again is read, and nothing else
    monkeypatch.setattr(DirectoryReader, "stat_object", lambda reader, key: listed[0])
    with pytest.raises(ObjectMoved, match="z changed while it was read, twice"):
        hash_chunk(url, {}, listed)


def test_an_object_that_is_gone_is_refused(folder: Path) -> None:
    listed = list_prefix(folder.as_uri(), {})
    (folder / "z").unlink()
    with pytest.raises(ObjectMoved, match="z was listed, and is gone now"):
        hash_chunk(folder.as_uri(), {}, listed)


def test_what_fails_for_now_is_tried_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise TransientBlobError("503")

    listed = [item for item in list_prefix(folder.as_uri(), {}) if item.key == "z"]
    use_reader(monkeypatch, ChangingReader(folder, [fail, fail]))
    assert hash_chunk(folder.as_uri(), {}, listed)[0].sha256 == hash_of(b"z")
    use_reader(monkeypatch, ChangingReader(folder, [fail] * 3))
    with pytest.raises(TransientBlobError):
        hash_chunk(folder.as_uri(), {}, listed)


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder link"])
def test_what_is_no_file_is_refused(folder: Path, kind: str) -> None:
    strange = folder / "a/strange"
    if kind == "fifo":
        os.mkfifo(strange)
    else:
        strange.symlink_to(folder / ("z" if kind == "symlink" else "a c"))
    with pytest.raises(BlobError, match="strange is a symlink or no regular file"):
        list_prefix(folder.as_uri(), {})
    with pytest.raises(BlobError):
        DirectoryReader(folder).stat_object("a/strange")


def test_a_file_behind_a_link_to_a_folder_is_not_read(folder: Path) -> None:
    (folder / "link").symlink_to(folder / "a")
    with pytest.raises(BlobError):
        DirectoryReader(folder).read_piece("link/b.bin", 0, 1)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BlobMissing, match="there is no"):
        list_prefix((tmp_path / "nowhere").as_uri(), {})
    with pytest.raises(UsageError, match="nothing can list"):
        open_reader("ftp://host/a", {})


def test_errors_come_whole_from_another_process() -> None:
    error = MlverError("no", hint="ls")
    assert pickle.loads(pickle.dumps(error)).hints == ("ls",)
    moved = pickle.loads(pickle.dumps(ObjectMoved("gone")))
    assert (type(moved), moved.message) == (ObjectMoved, "gone")
