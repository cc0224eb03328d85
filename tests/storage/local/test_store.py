from __future__ import annotations

import errno
import gc
import hashlib
import io
import itertools
import os
import random
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.hashing import measure_artifact
from mlver.records.manifest import Manifest
from mlver.storage import packs
from mlver.storage.local import LocalStore, incoming
from mlver.storage.local.deposit import DepositReceipt
from mlver.storage.packs import PackMember
from mlver.storage.store import ObjectStore, StoreProblem
from mlver.system import durable
from tests.storage.conformance import LARGE, StoreConformance, get_content, put_contents


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore.open_in(tmp_path / "git/mlver")


def flip(path: Path, offset: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.chmod(0o644)
    path.write_bytes(data)


def place_of(store: LocalStore, digest: Digest) -> tuple[Path, int]:
    (place,) = store.find_locations({digest.hex})[digest.hex]
    return Path(place.path), place.offset


def rubbish(store: LocalStore) -> list[str]:
    return [path.name for path in store.directory.rglob("*") if durable.is_temporary(path.name)]


class TestLocalStore(StoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> ObjectStore:
        return LocalStore.open_in(tmp_path / "git/mlver")

    def damage_object(self, store: ObjectStore, digest: Digest) -> None:
        assert isinstance(store, LocalStore)
        flip(*place_of(store, digest))


def test_the_documented_one_liner_reads_a_pack(store: LocalStore) -> None:
    digest, _ = put_contents(store, b"hello", b"other")
    (pack,) = store.packs_directory.glob("*.pack")
    command = ["tar", "-xOf", str(pack), digest.hex]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"hello"


def test_objects_are_read_only_files_and_no_rubbish_stays(store: LocalStore) -> None:
    _, large = put_contents(store, b"small", LARGE)
    files = [path for path in store.directory.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert {path.stat().st_mode & 0o777 for path in files} == {0o444}
    assert store.loose_path(large.hex).read_bytes() == LARGE
    assert list(store.temporaries.iterdir()) == []


def test_a_measured_directory_is_stored_in_one_pass_by_several_processes(
    store: LocalStore, tmp_path: Path
) -> None:
    top = tmp_path / "data"
    for number in range(1200):
        (top / f"d{number % 9}").mkdir(parents=True, exist_ok=True)
        (top / f"d{number % 9}/f{number}").write_bytes(b"%d" % (number // 3))
    (top / "large").write_bytes(LARGE)
    with store.open_deposit() as intake:
        found = measure_artifact(top, key="data", sink=intake)
    assert found.manifest is not None
    manifest = Manifest.parse(found.manifest, "m")
    assert store.find_missing(Digest(digest) for _, digest in manifest.entries) == set()
    assert list(store.verify_objects()) == []
    assert rubbish(store) == []
    before = sorted(store.directory.rglob("*"))
    with store.open_deposit() as intake:
        assert measure_artifact(top, key="data", sink=intake) == found
    assert sorted(store.directory.rglob("*")) == before
    store.export_objects(
        [
            (Digest(digest), tmp_path / "out" / os.fsdecode(path))
            for path, digest in manifest.entries
        ]
    )
    assert measure_artifact(tmp_path / "out", key="out") == found


def test_data_is_flushed_before_names_and_names_before_the_end(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_contents(store, b"something")
    calls: list[str] = []
    fsync, link = os.fsync, os.link

    def spy_fsync(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").readlink().name
        calls.append("flush data" if durable.is_temporary(name) else "flush directory")
        fsync(descriptor)

    def spy_link(old: Path, new: Path) -> None:
        calls.append("name")
        link(old, new)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "link", spy_link)
    put_contents(store, b"small", LARGE)
    assert [name for name, _ in itertools.groupby(calls)] == [
        "flush data", "name", "flush directory",
    ]  # fmt: skip
    assert calls.count("flush data") == 3
    assert calls.count("flush directory") == 3


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_quarantine_keeps_the_bad_copy_and_never_serves_it(
    store: LocalStore, content: bytes
) -> None:
    digest, other = put_contents(store, content, b"other")
    assert store.quarantine_damaged(digest) == []
    path, offset = place_of(store, digest)
    flip(path, offset)
    bad = path.read_bytes()[offset : offset + len(content)]
    (aside,) = store.quarantine_damaged(digest)
    assert aside.read_bytes() == bad
    assert aside.parent == store.quarantined
    for fresh in (store, LocalStore.open_in(store.directory)):
        assert fresh.find_missing([digest, other]) == {digest}
        with pytest.raises(ObjectMissing):
            get_content(fresh, digest)
    put_contents(store, content)
    assert get_content(LocalStore.open_in(store.directory), digest) == content
    assert aside.read_bytes() == bad
    assert list(store.verify_objects([digest, other])) == []


def test_a_pack_stored_again_under_its_own_name_replaces_the_damaged_one(store: LocalStore) -> None:
    (digest,) = put_contents(store, b"alone")
    path, offset = place_of(store, digest)
    flip(path, offset)
    store.quarantine_damaged(digest)
    put_contents(store, b"alone")
    assert place_of(store, digest)[0] == path
    assert get_content(store, digest) == b"alone"
    assert list(store.verify_objects()) == []
    assert len(list(store.quarantined.iterdir())) == 2


@pytest.mark.parametrize("lost", [{1}, {2}, {0, 1}, {0, 1, 2}])
def test_receipts_that_never_came_leave_a_sound_pack(store: LocalStore, lost: set[int]) -> None:
    contents = [
        (Digest.of_bytes(data).hex, data) for data in (b"first", b"second", b"third", b"first")
    ]
    with store.open_deposit() as intake:
        for number, content in enumerate(contents):
            receipt = intake.store_contents([content])
            if number not in lost:
                intake.accept_receipt(receipt)
    assert store.find_missing(Digest(digest) for digest, _ in contents) == set()
    assert list(store.verify_objects()) == []


def test_a_full_part_is_followed_by_another(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlver.storage.local.deposit.PACK_BYTES", 4096)
    contents = [b"%d" % number * 50 for number in range(200)]
    opened = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    digests = put_contents(store, *contents)
    assert sys.platform != "linux" or len(os.listdir("/proc/self/fd")) == opened
    assert len(store.list_packs()) > 3
    assert [get_content(store, digest) for digest in digests] == contents
    assert list(store.verify_objects()) == []


def test_a_write_that_failed_spoils_nothing_that_follows(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots = [OSError(errno.ENOSPC, "No space left on device")]
    write = incoming._write_vectors

    def full(descriptor: int, vectors: list[bytes]) -> None:
        if shots and len(store_kept) == 1:
            os.write(descriptor, b"torn")
            raise shots.pop()
        write(descriptor, vectors)

    store_kept: list[Digest] = []
    monkeypatch.setattr(incoming, "_write_vectors", full)
    with store.open_deposit() as intake:
        for data in (b"one", b"two", b"three"):
            with suppress(MlverError):
                store_kept.append(intake.put_object(io.BytesIO(data)))
    assert [get_content(store, digest) for digest in store_kept] == [b"one", b"three"]
    assert list(store.verify_objects()) == []


def test_a_folder_nobody_may_search_is_not_taken_for_empty(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, _ = put_contents(store, LARGE, b"small")
    stat = os.stat

    def forbidden(path: Any, **options: Any) -> os.stat_result:
        if str(path) == str(store.loose_path(digest.hex)):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return stat(path, **options)

    monkeypatch.setattr(os, "stat", forbidden)  # root, who may run this, is forbidden nothing
    with pytest.raises(PermissionError):
        store.find_missing([digest])


@pytest.mark.parametrize("count", [1, 100])
def test_few_of_a_pack_are_found_as_well_as_many(store: LocalStore, count: int) -> None:
    known = put_contents(store, *(b"%d" % number for number in range(100)))
    asked = {digest.hex for digest in known[:count]}
    for others in (set(), {hashlib.sha256(b"other %d" % n).hexdigest() for n in range(500)}):
        assert store.find_locations(asked | others).keys() == asked


def test_what_was_handed_over_once_is_not_stored_again(store: LocalStore) -> None:
    contents = [(Digest.of_bytes(data).hex, data) for data in (b"one", b"two", b"one")]
    with store.open_deposit() as intake:
        for content in contents:
            intake.accept_receipt(intake.store_contents([content]))
        large = io.BytesIO(LARGE)
        known = {intake.put_object(large).hex, *(digest for digest, _ in contents)}
        assert intake.find_missing({*known, "ab" * 32}) == {"ab" * 32}
        other = store.open_deposit()
        assert other.find_missing(known) == known
    (pack,) = store.list_packs()
    assert len(list(pack.read_members())) == 2
    with store.open_deposit() as intake:
        assert intake.find_missing(known) == set()


def test_a_process_whose_workers_store_keeps_little_for_each_file(store: LocalStore) -> None:
    """The cost of half a million files here decides whether a small machine can register them."""
    count = 50_000
    runs: list[bytes] = []
    with suppress(LookupError), store.open_deposit() as intake:
        gc.collect()
        tracemalloc.start()
        for first in range(0, count, 500):
            numbers = range(first, first + 500)
            members = [
                PackMember(hashlib.sha256(b"%d" % n).hexdigest(), n << 10, 512) for n in numbers
            ]
            runs.append(packs.encode_run(members))
            intake.accept_receipt(DepositReceipt("part", runs[-1], 0, ()))
            assert intake.find_missing(set()) == set()
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        lines = sum(len(piece) // packs.LINE for piece in packs.build_index_from_runs(runs))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        raise LookupError  # there is no such part
    assert lines == count
    assert kept < 60 * count
    assert most - kept < 60 * count


def test_a_good_copy_is_served_where_another_is_damaged(store: LocalStore, tmp_path: Path) -> None:
    (digest,) = put_contents(store, b"content")
    other = LocalStore.open_in(tmp_path / "other")
    put_contents(other, b"content", b"more")
    for file in other.packs_directory.iterdir():
        file.rename(store.packs_directory / file.name)
    for number in (0, 1):
        place = sorted(store.find_locations({digest.hex})[digest.hex])[number]
        flip(Path(place.path), place.offset)
        assert get_content(store, digest) == b"content"
        store.export_objects([(digest, tmp_path / "out")])
        assert (tmp_path / "out").read_bytes() == b"content"
        assert [problem.digest for problem in store.verify_objects()] == [digest]
        flip(Path(place.path), place.offset)


@pytest.mark.parametrize("harm", ["flip", "truncate", "remove"])
def test_a_bad_index_is_made_again(store: LocalStore, harm: str) -> None:
    digests = put_contents(store, *(b"%d" % number for number in range(50)))
    (index,) = store.packs_directory.glob("*.idx")
    good = index.read_bytes()
    if harm == "flip":
        flip(index, 91 * 25 + 3)
    elif harm == "truncate":
        index.chmod(0o644)
        index.write_bytes(good[:1000])
    else:
        index.unlink()
    fresh = LocalStore.open_in(store.directory)
    assert [get_content(fresh, digest) for digest in digests] == [
        b"%d" % number for number in range(50)
    ]
    assert index.read_bytes() == good


def test_an_index_is_not_made_again_from_a_pack_that_is_not_whole(store: LocalStore) -> None:
    """What it then says would be kept as the truth, and other copies be looked for in vain."""
    contents = dict(zip(put_contents(store, b"one", b"two"), (b"one", b"two"), strict=True))
    (pack,) = store.packs_directory.glob("*.pack")
    (index,) = store.packs_directory.glob("*.idx")
    index.unlink()
    first, last = sorted(contents, key=lambda digest: pack.read_bytes().index(digest.hex.encode()))
    flip(pack, pack.read_bytes().index(last.hex.encode()))
    assert get_content(LocalStore.open_in(store.directory), first) == contents[first]
    assert not index.exists()


def test_every_flipped_bit_of_every_stored_file_is_named(store: LocalStore) -> None:
    put_contents(store, *(b"%d" % number * 300 for number in range(6)), LARGE)
    files = [path for path in store.directory.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert list(store.verify_objects()) == []
    chance = random.Random(7)
    for path in files:
        original = path.read_bytes()
        for _ in range(60):
            flip(path, chance.randrange(len(original)), chance.randrange(8))
            assert list(LocalStore.open_in(store.directory).verify_objects()), path
            path.chmod(0o644)
            path.write_bytes(original)
        path.write_bytes(original[:-1])
        assert list(LocalStore.open_in(store.directory).verify_objects()), path
        path.write_bytes(original)
    assert list(LocalStore.open_in(store.directory).verify_objects()) == []


def test_verify_names_what_is_missing_and_strange(store: LocalStore) -> None:
    _, large = put_contents(store, b"small", LARGE)
    absent = Digest.of_bytes(b"absent")
    assert list(store.verify_objects([absent, large])) == [
        StoreProblem(absent, None, "is missing", lost=True)
    ]
    stranger = store.loose_path(large.hex).with_name("stranger")
    stranger.touch()
    assert list(store.verify_objects()) == [
        StoreProblem(None, stranger, "this is no object's name")
    ]
    steps: list[int] = []
    list(store.verify_objects(progress=steps.append))
    assert sum(steps) == len(LARGE) + 5


class TestExport:
    def test_files_are_replaced_and_directories_made(
        self, store: LocalStore, tmp_path: Path
    ) -> None:
        small, large = put_contents(store, b"small", LARGE)
        (tmp_path / "old").write_bytes(b"old")
        (tmp_path / "link").symlink_to("old")
        steps: list[int] = []
        targets = [
            (small, tmp_path / "old"),
            (large, tmp_path / "a/b/c"),
            (small, tmp_path / "link"),
        ]
        store.export_objects(targets, progress=steps.append)
        assert [path.read_bytes() for _, path in targets] == [b"small", LARGE, b"small"]
        assert not (tmp_path / "link").is_symlink()
        assert sum(steps) == 10 + len(LARGE)
        assert (tmp_path / "old").stat().st_mode & 0o222

    @pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
    @pytest.mark.parametrize("harm", ["damaged", "missing"])
    def test_nothing_is_replaced_unless_all_is_sound(
        self, store: LocalStore, tmp_path: Path, content: bytes, harm: str
    ) -> None:
        good, bad = put_contents(store, b"good", content)
        if harm == "damaged":
            flip(*place_of(store, bad))
        else:
            bad = Digest.of_bytes(b"absent")
        out = tmp_path / "out"
        out.mkdir()
        (out / "a").write_bytes(b"old")
        with pytest.raises(ObjectDamaged if harm == "damaged" else ObjectMissing, match=bad.hex):
            store.export_objects([(good, out / "a"), (bad, out / "b")])
        assert [(path.name, path.read_bytes()) for path in out.iterdir()] == [("a", b"old")]

    def test_all_data_is_flushed_before_the_first_file_changes(
        self, store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        digests = put_contents(store, b"1", b"2", LARGE)
        calls: list[str] = []
        fsync, rename = os.fsync, os.replace

        def spy_fsync(descriptor: int) -> None:
            calls.append("flush")
            fsync(descriptor)

        def spy_replace(old: Path, new: Path) -> None:
            calls.append("name")
            rename(old, new)

        monkeypatch.setattr(os, "fsync", spy_fsync)
        monkeypatch.setattr(os, "replace", spy_replace)
        store.export_objects(
            [(digest, tmp_path / str(number)) for number, digest in enumerate(digests)]
        )
        assert calls == ["flush"] * 3 + ["name"] * 3 + ["flush"]

    @pytest.mark.parametrize(
        ("call", "nth", "outcome"),
        [
            ("fsync", 1, "no file was replaced"),
            ("replace", 1, "run the same command again to finish"),
            ("replace", 2, "run the same command again to finish"),
            ("fsync", 3, "again to finish"),
        ],
    )
    def test_an_error_says_what_became_of_the_files(
        self,
        store: LocalStore,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        call: str,
        nth: int,
        outcome: str,
    ) -> None:
        digests = put_contents(store, b"new 0", b"new 1")
        out = tmp_path / "out"
        out.mkdir()
        for number in range(2):
            (out / str(number)).write_bytes(b"old")
        real, count = getattr(os, call), [0]

        def fail(*arguments: object) -> object:
            count[0] += 1
            if count[0] == nth:
                raise OSError(5, "Input/output error")
            return real(*arguments)

        monkeypatch.setattr(os, call, fail)
        with pytest.raises(MlverError, match=outcome):
            store.export_objects(
                [(digest, out / str(number)) for number, digest in enumerate(digests)]
            )
        monkeypatch.undo()
        assert sorted(path.name for path in out.iterdir()) == ["0", "1"]
        assert all(
            (out / str(number)).read_bytes() in (b"old", b"new %d" % number) for number in range(2)
        )
        assert outcome != "no file was replaced" or {
            path.read_bytes() for path in out.iterdir()
        } == {b"old"}


@pytest.mark.parametrize("call", ["fsync", "link", "writev", "write", "fchmod"])
@pytest.mark.parametrize("nth", [1, 2])
def test_an_error_of_the_disk_changes_nothing_and_names_the_path(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, call: str, nth: int
) -> None:
    put_contents(store, b"before")
    before = sorted(path for path in store.directory.rglob("*") if path.is_file())
    real, count = getattr(os, call), [0]

    def fail(*arguments: object, **more: object) -> object:
        count[0] += 1
        if count[0] >= nth:
            raise OSError(
                28, "No space left on device", *((str(arguments[1]),) if call == "link" else ())
            )
        return real(*arguments, **more)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(MlverError, match="No space left") as caught:
        put_contents(store, b"small", LARGE, b"other", LARGE[1:])
    monkeypatch.undo()
    assert count[0] >= nth, "the fault never fired"
    assert str(store.directory) in caught.value.message
    assert caught.value.hint is not None
    assert rubbish(store) == []
    if call != "link":
        assert sorted(path for path in store.directory.rglob("*") if path.is_file()) == before
    assert list(store.verify_objects()) == []


def test_what_a_crash_left_is_swept(store: LocalStore) -> None:
    put_contents(store, b"x")
    (store.temporaries / durable.temporary_name()).touch()
    assert store.sweep_temporaries() == 1
    assert rubbish(store) == []


def test_two_deposits_of_the_same_content_agree(store: LocalStore) -> None:
    contents = (b"small", LARGE)
    with store.open_deposit() as one, LocalStore.open_in(store.directory).open_deposit() as two:
        for content in contents:
            assert one.put_object(io.BytesIO(content)) == two.put_object(io.BytesIO(content))
    assert [get_content(store, Digest.of_bytes(content)) for content in contents] == list(contents)
    assert list(store.verify_objects()) == []
    assert rubbish(store) == []


@pytest.mark.parametrize("link", ["", "objects", "objects/{fan}", "packs", "tmp", "quarantine"])
def test_nothing_is_stored_behind_a_symlink(tmp_path: Path, link: str) -> None:
    directory, outside = tmp_path / "git/mlver", tmp_path / "outside"
    outside.mkdir()
    large = b"large" * (1 << 20)
    place = directory / link.format(fan=Digest.of_bytes(large).hex[:2])
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    with pytest.raises(MlverError, match="is a symlink, and mlver writes nowhere else") as refused:
        put_contents(LocalStore.open_in(directory), large)
    assert (refused.value.hint or "").endswith(f"ls -ld {place}")
    assert list(outside.iterdir()) == []
