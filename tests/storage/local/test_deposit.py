"""Contents on their way in: flushed in order, all or nothing, in little memory."""

from __future__ import annotations

import errno
import gc
import hashlib
import io
import itertools
import os
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.hashing import measure_artifact
from mlver.records.manifest import Manifest
from mlver.storage import packs
from mlver.storage.local import LocalStore, incoming
from mlver.storage.local.pack_parts import DepositReceipt
from mlver.storage.packs import PackMember
from mlver.system import durable
from tests.storage.conformance import LARGE, get_content, put_contents
from tests.storage.local.helpers import list_temporaries


def test_a_measured_directory_is_stored_in_one_pass_by_several_processes(
    store: LocalStore, tmp_path: Path
) -> None:
    top = tmp_path / "data"
    for number in range(1200):
        (top / f"d{number % 9}").mkdir(parents=True, exist_ok=True)
        (top / f"d{number % 9}/f{number}").write_bytes(b"%d" % (number // 3))
    (top / "large").write_bytes(LARGE)
    with store.open_deposit() as intake:
        measured = measure_artifact(top, key="data", sink=intake)
    assert measured.manifest is not None
    manifest = Manifest.parse(measured.manifest, "m")
    assert store.find_missing(Digest(digest) for _, digest in manifest.entries) == set()
    assert list(store.verify_objects()) == []
    assert list_temporaries(store) == []
    before = sorted(store.directory.rglob("*"))
    with store.open_deposit() as intake:
        assert measure_artifact(top, key="data", sink=intake) == measured
    assert sorted(store.directory.rglob("*")) == before
    store.export_objects(
        [
            (Digest(digest), tmp_path / "out" / os.fsdecode(path))
            for path, digest in manifest.entries
        ]
    )
    assert measure_artifact(tmp_path / "out", key="out") == measured


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
    monkeypatch.setattr("mlver.storage.local.pack_parts.PACK_BYTES", 4096)
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


def test_what_was_handed_over_once_is_not_stored_again(store: LocalStore) -> None:
    contents = [(Digest.of_bytes(data).hex, data) for data in (b"one", b"two", b"one")]
    with store.open_deposit() as intake:
        for content in contents:
            intake.accept_receipt(intake.store_contents([content]))
        large = io.BytesIO(LARGE)
        digests = [intake.put_object(large), *(Digest(digest) for digest, _ in contents)]
        assert store.find_missing(digests) == set(digests)
    (pack,) = store.list_packs()
    assert len(list(pack.read_members())) == 2
    assert store.find_missing(digests) == set()


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
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        lines = sum(len(piece) // packs.LINE for piece in packs.build_index_from_runs(runs))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        raise LookupError  # there is no such part
    assert lines == count
    assert kept < 60 * count
    assert most - kept < 60 * count


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
    assert list_temporaries(store) == []
    if call != "link":
        assert sorted(path for path in store.directory.rglob("*") if path.is_file()) == before
    assert list(store.verify_objects()) == []


def test_two_deposits_of_the_same_content_agree(store: LocalStore) -> None:
    contents = (b"small", LARGE)
    with store.open_deposit() as one, LocalStore.open_in(store.directory).open_deposit() as two:
        for content in contents:
            assert one.put_object(io.BytesIO(content)) == two.put_object(io.BytesIO(content))
    assert [get_content(store, Digest.of_bytes(content)) for content in contents] == list(contents)
    assert list(store.verify_objects()) == []
    assert list_temporaries(store) == []
