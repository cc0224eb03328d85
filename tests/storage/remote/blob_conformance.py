"""What every back-end promises of its blobs, as tests.

The test class of a back-end inherits these and supplies the blobs, empty ones each time:

class TestMine(BlobConformance):
    @pytest.fixture
    def blobs(self) -> BlobStore: ...
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from typing import BinaryIO

import pytest

from mlver.storage.remote.blobs import (
    BlobError,
    BlobMissing,
    BlobStore,
    BlobTooShort,
    BytesBlob,
    PutOutcome,
    stream_range,
)

KEY = "objects/ab/abcd"
BAD_KEYS = ["", "/a", "a/", "a//b", "..", "a/../b", ".hidden", "A", "a b", "a\n", "a/.", "ä"]


class MisjudgedSource:
    """A source that has other bytes than its size tells."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self.size = size

    def open_stream(self) -> BinaryIO:
        return io.BytesIO(self._data)


class BreakingSource:
    """A source that fails once half of it is read."""

    size = 4 << 20

    def open_stream(self) -> BinaryIO:
        return _BreakingStream(bytes(self.size // 2))


class _BreakingStream(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data:
            raise ConnectionResetError(104, "Connection reset")
        return data


def read_blob(blobs: BlobStore, key: str) -> bytes:
    return blobs.get_range(key, 0, blobs.stat_blob(key).size)


def list_keys(blobs: BlobStore, prefix: str = "") -> list[str]:
    return sorted(info.key for info in blobs.list_blobs(prefix))


def put_keys(blobs: BlobStore, keys: Iterable[str]) -> None:
    for key in keys:
        assert blobs.put_blob(key, BytesBlob(key.encode())) is PutOutcome.CREATED


class BlobConformance:
    @pytest.mark.parametrize("size", [0, 1, 1000, (1 << 20) + 1])
    def test_what_is_put_is_read(self, blobs: BlobStore, size: int) -> None:
        data = bytes(range(256)) * (size // 256 + 1)
        assert blobs.put_blob(KEY, BytesBlob(data[:size])) is PutOutcome.CREATED
        assert read_blob(blobs, KEY) == data[:size]
        assert list_keys(blobs) == [KEY]

    def test_put_never_replaces(self, blobs: BlobStore) -> None:
        blobs.put_blob(KEY, BytesBlob(b"first"))
        for data in (b"first", b"second"):
            assert blobs.put_blob(KEY, BytesBlob(data)) is PutOutcome.ALREADY_THERE
        assert read_blob(blobs, KEY) == b"first"

    def test_only_one_of_many_creates(self, blobs: BlobStore) -> None:
        contents = [b"%d" % number * 50_000 for number in range(8)]

        def put_content(data: bytes) -> PutOutcome:
            return blobs.put_blob(KEY, BytesBlob(data))

        with ThreadPoolExecutor(len(contents)) as pool:
            outcomes = list(pool.map(put_content, contents))
        assert outcomes.count(PutOutcome.CREATED) == 1
        assert len(outcomes) == 8
        assert read_blob(blobs, KEY) in contents

    def test_replace_creates_and_replaces(self, blobs: BlobStore) -> None:
        for data in (b"first", b"the second", b"3"):
            blobs.replace_blob(KEY, BytesBlob(data))
            assert read_blob(blobs, KEY) == data

    @pytest.mark.parametrize(("data", "size"), [(b"short", 6), (b"long", 3), (b"some", 0)])
    def test_a_source_of_another_size_is_refused(
        self, blobs: BlobStore, data: bytes, size: int
    ) -> None:
        with pytest.raises(BlobError, match="changed while"):
            blobs.put_blob(KEY, MisjudgedSource(data, size))
        assert list_keys(blobs) == []
        blobs.put_blob(KEY, BytesBlob(b"old"))
        with pytest.raises(BlobError, match="changed while"):
            blobs.replace_blob(KEY, MisjudgedSource(data, size))
        assert read_blob(blobs, KEY) == b"old"
        assert list_keys(blobs) == [KEY]

    def test_a_part_never_becomes_visible(self, blobs: BlobStore) -> None:
        with pytest.raises((OSError, BlobError), match="Connection reset"):
            blobs.put_blob(KEY, BreakingSource())
        assert list_keys(blobs) == []
        with pytest.raises(BlobMissing):
            blobs.stat_blob(KEY)
        assert blobs.put_blob(KEY, BytesBlob(b"whole")) is PutOutcome.CREATED

    def test_ranges_are_exact(self, blobs: BlobStore) -> None:
        data = bytes(range(256)) * 20
        blobs.put_blob(KEY, BytesBlob(data))
        for offset, size in ((0, 1), (1, 300), (5119, 1), (0, 5120), (100, 0)):
            assert blobs.get_range(KEY, offset, size) == data[offset : offset + size]
            pieces = stream_range(blobs, KEY, offset, size)
            assert b"".join(pieces) == data[offset : offset + size]
        with pytest.raises(BlobTooShort) as caught:
            blobs.get_range(KEY, 5000, 121)
        assert KEY in caught.value.message
        with pytest.raises(BlobTooShort):
            list(stream_range(blobs, KEY, 5000, 121))

    def test_what_is_not_there_is_missing(self, blobs: BlobStore) -> None:
        put_keys(blobs, ["objects/ab/other"])
        for key in (KEY, "packs/a", "objects/ab/othe"):
            with pytest.raises(BlobMissing) as caught:
                blobs.get_range(key, 0, 1)
            assert key in caught.value.message
            with pytest.raises(BlobMissing):
                blobs.stat_blob(key)
            with pytest.raises(BlobMissing):
                list(stream_range(blobs, key, 0, 1))

    def test_a_listing_has_each_blob_of_a_folder_once(self, blobs: BlobStore) -> None:
        keys = [f"objects/{number:02x}/{number}" for number in range(40)]
        keys += ["objects/0a/more", "objects.old/a", "packs/p.idx", "top"]
        put_keys(blobs, keys)
        assert list_keys(blobs) == sorted(keys)
        assert list_keys(blobs, "objects/0a/") == ["objects/0a/10", "objects/0a/more"]
        assert len(list_keys(blobs, "objects/")) == 41
        assert list_keys(blobs, "pins/") == []
        assert [info.size for info in blobs.list_blobs("packs/")] == [len("packs/p.idx")]

    def test_a_time_comes_from_the_storage_and_moves_when_a_blob_is_replaced(
        self, blobs: BlobStore
    ) -> None:
        put_keys(blobs, ["a", "b"])
        first = blobs.stat_blob("a")
        assert first.stored.tzinfo is UTC
        assert first in list(blobs.list_blobs(""))
        # Some count whole seconds, of which a quick machine needs a part.
        until = time.monotonic() + 10
        while blobs.stat_blob("a").stored <= first.stored and time.monotonic() < until:
            blobs.replace_blob("a", BytesBlob(b"a"))
        assert timedelta(0) < blobs.stat_blob("a").stored - first.stored < timedelta(minutes=5)

    def test_deleting_is_repeatable(self, blobs: BlobStore) -> None:
        put_keys(blobs, [KEY, "objects/ab/other"])
        for _ in range(3):
            blobs.delete_blob(KEY)
        blobs.delete_blob("never/there")
        assert list_keys(blobs) == ["objects/ab/other"]
        assert blobs.put_blob(KEY, BytesBlob(b"again")) is PutOutcome.CREATED

    @pytest.mark.parametrize("key", BAD_KEYS)
    def test_what_is_no_key_is_refused(self, blobs: BlobStore, key: str) -> None:
        source = BytesBlob(b"x")
        for call in (
            lambda: blobs.put_blob(key, source),
            lambda: blobs.replace_blob(key, source),
            lambda: blobs.get_range(key, 0, 1),
            lambda: blobs.stat_blob(key),
            lambda: blobs.delete_blob(key),
        ):
            with pytest.raises(BlobError, match="is no key"):
                call()
        if key:
            with pytest.raises(BlobError, match="is no"):
                list(blobs.list_blobs(key if key.endswith("/") and key != "a/" else f"{key}x"))
        assert list_keys(blobs) == []

    def test_it_names_its_place(self, blobs: BlobStore) -> None:
        assert blobs.address
