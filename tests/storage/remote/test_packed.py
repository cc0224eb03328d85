"""Small contents on a remote: in packs, found by their indexes, whatever somebody made of those."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.storage import packs
from mlver.storage.remote import upload
from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.catalogue import index_key, object_key, pack_key
from mlver.storage.remote.directory import DirectoryBlobs, init_directory
from mlver.storage.remote.retrying import RetryingBlobs
from tests.storage.conformance import CONTENTS, LARGE
from tests.storage.remote.faulty import Fault, FaultyBlobs
from tests.storage.remote.memory import MemoryBlobs
from tests.storage.remote.transfers import ONE_JOB, Team, read_contents, store_contents


@pytest.fixture
def memory() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.mark.parametrize("kind", ["memory", "directory"])
def test_contents_of_each_size_come_back(memory: MemoryBlobs, tmp_path: Path, kind: str) -> None:
    blobs = RetryingBlobs(memory)
    if kind == "directory":
        init_directory(tmp_path / "shared")
        blobs = RetryingBlobs(DirectoryBlobs(tmp_path / "shared"))
    digests = store_contents(blobs, tmp_path, CONTENTS)
    assert digests == [Digest.of_bytes(content) for content in CONTENTS]
    assert read_contents(blobs, tmp_path, digests) == CONTENTS


def test_small_contents_share_a_pack_that_tar_reads(memory: MemoryBlobs, tmp_path: Path) -> None:
    one, two, large = store_contents(memory, tmp_path, [b"one", b"two", LARGE])
    assert sorted(key.partition("/")[0] for key in memory.contents) == ["objects", "packs", "packs"]
    assert memory.contents[object_key(large.hex)] == LARGE
    (pack,) = [data for key, data in memory.contents.items() if key.endswith(packs.PACK)]
    with tarfile.open(fileobj=io.BytesIO(pack)) as tar:
        assert sorted(tar.getnames()) == sorted([one.hex, two.hex])


def test_no_pack_is_larger_than_one_call_should_be(
    memory: MemoryBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload, "PART_BYTES", 10 << 10)
    contents = [b"%02d" % number * 1000 for number in range(20)]
    digests = store_contents(memory, tmp_path, contents)
    sizes = [len(data) for key, data in memory.contents.items() if key.endswith(packs.PACK)]
    assert len(sizes) > 3
    assert max(sizes) <= 14 << 10
    assert read_contents(memory, tmp_path, digests) == contents


@pytest.mark.parametrize(
    "index",
    [
        b"rubbish" * 13,
        b"%s 000000000512 000000000001" % (b"ab" * 32) + b"x",
        b"%s 000000000512 999999999999\n" % (b"ab" * 32),
        b"%s 000000000512 000000000001\n" % (b"AB" * 32),
        b"%s 000000000512 000000000001\n" % (b"../x" * 16),
        b"%s -00000000512 000000000001\n" % (b"ab" * 32),
        b"%s 000000000512 -00000000001\n" % (b"ab" * 32),
        b"%s 000000002048 000000000001\n" % (b"ab" * 32),
    ],
)
def test_an_index_that_somebody_made_up_harms_nothing(
    memory: MemoryBlobs, tmp_path: Path, index: bytes
) -> None:
    name = hashlib.sha256(index).hexdigest()
    memory.replace_blob(index_key(name), BytesBlob(index))
    memory.replace_blob(pack_key(name), BytesBlob(b"x" * 2048))
    digests = store_contents(memory, tmp_path, [b"content"])
    made_up = Digest("ab" * 32)
    missing = Team(memory, tmp_path).open_remote().find_missing({digests[0]: None, made_up: None})
    assert missing == {made_up}
    assert read_contents(memory, tmp_path, digests) == [b"content"]


def test_a_server_that_ignores_ranges_is_refused(memory: MemoryBlobs, tmp_path: Path) -> None:
    store_contents(memory, tmp_path, [b"one", b"two"])
    wanted: dict[Digest, int] = {Digest.of_bytes(b"one"): 3}
    faulty = FaultyBlobs(memory)
    team = Team(faulty, tmp_path)
    remote = team.open_remote("lee")
    assert remote.find_missing(wanted) == set()
    faulty.faults = dict.fromkeys(range(len(faulty.calls), 99), Fault.WHOLE)
    with (
        pytest.raises(MlverError, match="answered a range"),
        team.open_store("lee").open_deposit() as intake,
    ):
        remote.download(wanted, intake, ONE_JOB)
