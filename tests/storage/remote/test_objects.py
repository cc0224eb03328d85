"""The object store over blobs, over sound and over faulty ones."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.storage import packs
from mlver.storage.remote import catalogue, deposit
from mlver.storage.remote.blobs import BlobSource, BytesSource, PutOutcome
from mlver.storage.remote.catalogue import index_key, object_key, pack_key, recipe_key
from mlver.storage.remote.directory import DirectoryBlobs, init_directory
from mlver.storage.remote.objects import BlobObjectStore
from mlver.storage.remote.retrying import RetryingBlobs
from mlver.storage.remote.timings import RetryPolicy
from mlver.storage.store import ObjectStore
from tests.storage.conformance import (
    CONTENTS,
    LARGE,
    StoreConformance,
    get_content,
    put_and_fail,
    put_contents,
)
from tests.storage.remote.faulty import Fault, FaultyBlobs, damage_blob
from tests.storage.remote.memory import MemoryBlobs
from tests.storage.remote.transfers import Team, cut_smaller, make_content


def make_store(blobs: MemoryBlobs | FaultyBlobs, spool: Path) -> BlobObjectStore:
    policy = RetryPolicy(attempts=4)
    return BlobObjectStore(RetryingBlobs(blobs, policy, sleep=lambda _: None), spool)


@pytest.fixture
def memory() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def store(memory: MemoryBlobs, spool: Path) -> BlobObjectStore:
    return make_store(memory, spool)


class FullOutput(io.BytesIO):
    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def find_content(blobs: MemoryBlobs, digest: Digest) -> tuple[str, int]:
    """The blob that holds a content, and where the content begins in it."""
    if object_key(digest.hex) in blobs.contents:
        return object_key(digest.hex), 0
    for key, data in blobs.contents.items():
        if key.endswith(".idx"):
            member = packs.find_member(data, digest.hex)
            if member is not None:
                return pack_key(key.removeprefix("packs/").removesuffix(".idx")), member.offset
    raise LookupError(digest)


class TestOverMemory(StoreConformance):
    @pytest.fixture
    def store(self, memory: MemoryBlobs, spool: Path) -> ObjectStore:
        self.memory = memory
        return make_store(memory, spool)

    def damage_object(self, store: ObjectStore, digest: Digest) -> None:
        key, offset = find_content(self.memory, digest)
        damage_blob(self.memory, key, offset)


class TestOverDirectory(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        self.root = tmp_path / "shared"
        init_directory(self.root)
        return BlobObjectStore(RetryingBlobs(DirectoryBlobs(self.root)), tmp_path / "spool")

    def damage_object(self, store: ObjectStore, digest: Digest) -> None:
        blobs = MemoryBlobs()
        for info in DirectoryBlobs(self.root).list_blobs(""):
            blobs.replace_blob(info.key, BytesSource((self.root / info.key).read_bytes()))
        key, offset = find_content(blobs, digest)
        damage_blob(blobs, key, offset)
        (self.root / key).chmod(0o644)
        (self.root / key).write_bytes(blobs.contents[key])


def test_small_contents_share_a_pack_that_tar_reads(
    store: BlobObjectStore, memory: MemoryBlobs
) -> None:
    one, two, large = put_contents(store, b"one", b"two", LARGE)
    assert sorted(key.partition("/")[0] for key in memory.contents) == ["objects", "packs", "packs"]
    assert memory.contents[object_key(large.hex)] == LARGE
    (pack,) = [data for key, data in memory.contents.items() if key.endswith(".pack")]
    with tarfile.open(fileobj=io.BytesIO(pack)) as tar:
        assert tar.getnames() == [one.hex, two.hex]


def test_no_pack_is_much_larger_than_one_call_should_be(
    store: BlobObjectStore, memory: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deposit, "PACK_BYTES", 1000)
    contents = [b"%d" % number * 100 for number in range(20)]
    digests = put_contents(store, *contents)
    assert len([key for key in memory.contents if key.endswith(".pack")]) == 3
    assert [get_content(store, digest) for digest in digests] == contents


def test_what_is_there_is_not_stored_again(store: BlobObjectStore, memory: MemoryBlobs) -> None:
    put_contents(store, b"one", b"two", LARGE)
    before = dict(memory.contents)
    put_contents(store, b"two", LARGE, b"one")
    assert memory.contents == before


def test_nothing_stays_in_the_spool(store: BlobObjectStore, spool: Path) -> None:
    put_contents(store, *CONTENTS)
    with pytest.raises(ZeroDivisionError):
        put_and_fail(store, b"small", LARGE)
    assert list(spool.iterdir()) == []


def test_a_pack_whose_index_never_came_is_used_by_the_next_attempt(
    store: BlobObjectStore, memory: MemoryBlobs
) -> None:
    (digest,) = put_contents(store, b"content")
    (index,) = [key for key in memory.contents if key.endswith(".idx")]
    memory.delete_blob(index)
    assert store.find_missing([digest]) == {digest}
    assert [problem.message for problem in store.verify_objects()] == [
        f"memory/{index.replace('.idx', '.pack')} has no index"
    ]
    put_contents(store, b"content")
    assert get_content(store, digest) == b"content"
    assert len(memory.contents) == 2


@pytest.mark.parametrize("harm", ["flip", "truncate", "pack gone", "pack cut"])
def test_an_index_that_is_not_right_leads_to_nothing(
    memory: MemoryBlobs, spool: Path, harm: str
) -> None:
    digests = put_contents(make_store(memory, spool), b"one", b"two")
    (index,) = [key for key in memory.contents if key.endswith(".idx")]
    pack = index.replace(".idx", ".pack")
    if harm == "flip":
        damage_blob(memory, index, 70)
    elif harm == "truncate":
        memory.contents[index] = memory.contents[index][:91]
    elif harm == "pack gone":
        memory.delete_blob(pack)
    else:
        memory.contents[pack] = memory.contents[pack][:-1]
    fresh = make_store(memory, spool)
    assert fresh.find_missing(digests) == set(digests)
    with pytest.raises(ObjectMissing):
        get_content(fresh, digests[0])
    (problem,) = fresh.verify_objects()
    assert index in problem.message
    put_contents(fresh, b"one", b"two")
    assert get_content(fresh, digests[0]) == b"one"
    assert list(make_store(memory, spool).verify_objects()) == []


def test_an_index_is_damaged_for_the_store_that_has_read_it_as_well(
    store: BlobObjectStore, memory: MemoryBlobs
) -> None:
    (digest,) = put_contents(store, b"content")
    assert store.find_missing([digest]) == set()
    (index,) = [key for key in memory.contents if key.endswith(".idx")]
    damage_blob(memory, index, 70)
    assert store.find_missing([digest]) == {digest}
    first, second = store.verify_objects([digest])
    assert index in first.message
    assert (second.digest, second.lost) == (digest, True)
    put_contents(store, b"content")
    assert list(store.verify_objects()) == []
    assert store.find_missing([digest]) == set()


def test_reading_many_contents_reads_an_index_once(memory: MemoryBlobs, spool: Path) -> None:
    digests = put_contents(make_store(memory, spool), b"one", b"two", b"three")
    faulty = FaultyBlobs(memory)
    store = make_store(faulty, spool)
    for digest in digests:
        get_content(store, digest)
    assert faulty.calls.count("get") == 1 + len(digests)


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
    store: BlobObjectStore, memory: MemoryBlobs, index: bytes
) -> None:
    name = hashlib.sha256(index).hexdigest()
    memory.contents[index_key(name)] = index
    memory.contents[pack_key(name)] = b"x" * 2048
    memory.replace_blob(index_key(name), BytesSource(index))
    memory.replace_blob(pack_key(name), BytesSource(b"x" * 2048))
    (digest,) = put_contents(store, b"content")
    assert store.find_missing([digest, Digest("ab" * 32)]) == {Digest("ab" * 32)}
    assert len(list(store.verify_objects())) == 1


def test_a_content_that_does_not_fit_memory_is_never_served_from_a_pack(
    store: BlobObjectStore, memory: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    (digest,) = put_contents(store, LARGE)
    data = b"".join(packs.frame_member(digest.hex, b"x" * len(LARGE))) + packs.TRAILER
    index = packs.index_line(packs.PackMember(digest.hex, packs.BLOCK, len(LARGE)))
    name = packs.pack_name(index)
    memory.replace_blob(pack_key(name), BytesSource(data))
    memory.replace_blob(index_key(name), BytesSource(index))
    monkeypatch.setattr(catalogue, "PIECE_BYTES", 1 << 16)
    assert get_content(store, digest) == LARGE


def test_many_objects_of_one_folder_are_listed_instead_of_asked_for(
    memory: MemoryBlobs, spool: Path
) -> None:
    for number in range(40):
        memory.put_blob(object_key(f"ab{number:062x}"), BytesSource(b"x"))
    memory.put_blob("objects/ab/stranger", BytesSource(b"x"))
    faulty = FaultyBlobs(memory)
    wanted = {Digest(f"ab{number:062x}") for number in range(50)}
    missing = make_store(faulty, spool).find_missing(wanted)
    assert len(missing) == 10
    # What has no object may have a recipe.
    assert faulty.calls == ["list", "list", *["stat"] * 10]


def push_large(memory: MemoryBlobs, folder: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A content that went to the remote in parts."""
    cut_smaller(monkeypatch, 1 << 20)
    content = make_content((5 << 20) // 2)
    team = Team(memory, folder)
    team.push(team.store(content))
    return content


def test_what_was_pushed_in_parts_is_an_object_like_others(
    store: BlobObjectStore, memory: MemoryBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = push_large(memory, tmp_path, monkeypatch)
    digest = Digest.of_bytes(content)
    assert list(store.list_objects()) == [digest]
    assert store.find_missing([digest]) == set()
    assert get_content(store, digest) == content
    assert list(store.verify_objects()) == []


@pytest.mark.parametrize("harm", ["flip", "gone", "recipe"])
def test_what_was_pushed_in_parts_is_never_served_wrongly(
    store: BlobObjectStore,
    memory: MemoryBlobs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: str,
) -> None:
    digest = Digest.of_bytes(push_large(memory, tmp_path, monkeypatch))
    part = min(key for key in memory.contents if key.startswith("parts/"))
    if harm == "flip":
        damage_blob(memory, part, 5)
    elif harm == "gone":
        memory.delete_blob(part)
    else:
        damage_blob(memory, recipe_key(digest.hex), 5)
    with pytest.raises(ObjectDamaged if harm == "flip" else ObjectMissing):
        get_content(store, digest)
    (problem,) = store.verify_objects()
    assert (problem.digest, problem.lost) == (digest, True)
    assert store.find_missing([digest]) == (set() if harm == "flip" else {digest})


# -- servers that fail, forget or lie


def put_all(blobs: FaultyBlobs, spool: Path) -> None:
    put_contents(make_store(blobs, spool), b"small", b"other", LARGE)


def count_calls(spool: Path) -> int:
    faulty = FaultyBlobs(MemoryBlobs())
    put_all(faulty, spool)
    return len(faulty.calls)


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ANSWER_LOST, Fault.CUT])
def test_a_deposit_survives_each_single_failure(spool: Path, fault: Fault) -> None:
    for number in range(count_calls(spool)):
        faulty = FaultyBlobs(MemoryBlobs(), {number: fault})
        put_all(faulty, spool)
        sound = make_store(faulty.inner, spool)
        assert list(sound.verify_objects()) == []
        assert len(list(sound.list_objects())) == 3
        assert len(faulty.inner.contents) == 3


def test_a_deposit_that_is_given_up_is_completed_by_the_next(spool: Path) -> None:
    for number in range(count_calls(spool)):
        faults = dict.fromkeys(range(number, number + 4), Fault.REFUSED)
        faulty = FaultyBlobs(MemoryBlobs(), faults)
        with pytest.raises(MlverError, match="Slow Down"):
            put_all(faulty, spool)
        sound = make_store(faulty.inner, spool)
        assert [problem for problem in sound.verify_objects() if problem.digest] == []
        faulty.faults = {}
        put_all(faulty, spool)
        assert list(sound.verify_objects()) == []
        assert len(list(sound.list_objects())) == 3


def test_what_a_server_acknowledged_and_forgot_is_noticed(spool: Path) -> None:
    calls = FaultyBlobs(MemoryBlobs())
    put_all(calls, spool)
    puts = [number for number, name in enumerate(calls.calls) if name == "put"]
    assert len(puts) == 3
    for number in puts:
        faulty = FaultyBlobs(MemoryBlobs(), {number: Fault.FORGOTTEN})
        with pytest.raises(MlverError, match=r"accepted .* but does not have it whole") as caught:
            put_all(faulty, spool)
        assert caught.value.message.endswith("run the same command again")


@pytest.mark.parametrize("damaged_folder", ["objects/", "packs/"])
def test_what_a_server_stored_with_other_bytes_is_noticed(
    memory: MemoryBlobs, spool: Path, monkeypatch: pytest.MonkeyPatch, damaged_folder: str
) -> None:
    put_blob = memory.put_blob

    def put_and_damage(key: str, source: BlobSource) -> PutOutcome:
        outcome = put_blob(key, source)
        if key.startswith(damaged_folder):
            damage_blob(memory, key, 0)
        return outcome

    monkeypatch.setattr(memory, "put_blob", put_and_damage)
    with pytest.raises(MlverError, match=r"accepted .* but does not have it whole"):
        put_contents(make_store(memory, spool), b"small", LARGE)


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_wrong_bytes_are_never_served(
    memory: MemoryBlobs, spool: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "PIECE_BYTES", 1 << 18)
    (digest,) = put_contents(make_store(memory, spool), content)
    calls = FaultyBlobs(memory)
    get_content(make_store(calls, spool), digest)
    for number, name in enumerate(calls.calls):
        if name != "get":
            continue
        faulty = make_store(FaultyBlobs(memory, {number: Fault.WRONG_BYTES}), spool)
        with pytest.raises((ObjectDamaged, ObjectMissing)) as caught:
            get_content(faulty, digest)
        assert str(digest) in caught.value.message
        assert get_content(faulty, digest) == content


def test_a_small_content_that_is_wrong_is_not_even_written(
    store: BlobObjectStore, memory: MemoryBlobs
) -> None:
    (digest,) = put_contents(store, b"small")
    damage_blob(memory, *find_content(memory, digest))
    out = io.BytesIO()
    with pytest.raises(ObjectDamaged):
        store.copy_object(digest, out)
    assert out.getvalue() == b""


def test_a_server_that_ignores_ranges_is_refused(memory: MemoryBlobs, spool: Path) -> None:
    digest, _ = put_contents(make_store(memory, spool), b"one", b"two")
    faulty = FaultyBlobs(memory)
    store = make_store(faulty, spool)
    store.find_missing([digest])
    faulty.faults = dict.fromkeys(range(len(faulty.calls), 99), Fault.WHOLE)
    with pytest.raises(MlverError, match="answered a range"):
        get_content(store, digest)


def test_an_object_deleted_meanwhile_is_missing_not_damaged(
    memory: MemoryBlobs, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(memory, spool)
    (digest,) = put_contents(store, LARGE)
    stat = memory.stat_blob

    def stat_and_delete(key: str) -> object:
        info = stat(key)
        memory.delete_blob(key)
        return info

    monkeypatch.setattr(memory, "stat_blob", stat_and_delete)
    with pytest.raises(ObjectMissing):
        get_content(store, digest)


def test_an_output_that_fails_is_named_with_its_reason(store: BlobObjectStore) -> None:
    (digest,) = put_contents(store, b"content")
    full = FullOutput()
    with pytest.raises(MlverError, match="No space left"):
        store.copy_object(digest, full)


def test_progress_counts_the_bytes_that_were_promised(store: BlobObjectStore) -> None:
    put_contents(store, b"small", LARGE)
    steps: list[int] = []
    expected: list[int] = []
    assert list(store.verify_objects(progress=steps.append, expect=expected.append)) == []
    assert expected == [sum(steps)] == [len(LARGE) + 5]


def test_random_contents_come_back(store: BlobObjectStore) -> None:
    contents = [os.urandom(size) for size in (1, 100, 5000, 70_000)]
    digests = put_contents(store, *contents)
    assert [get_content(store, digest) for digest in digests] == contents
