"""What is in the trash serves there; nothing but gc moves it."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.storage.digests import DigestSet
from mlver.storage.local import LocalStore
from mlver.storage.local.trash import LocalTrash, StoredFile
from tests.storage.local.helpers import flip_bit

LARGE = os.urandom(2 << 20)
SMALL = [b"first", b"second"]
LARGE_DIGEST = Digest.of_bytes(LARGE)
DIGESTS = [LARGE_DIGEST, *map(Digest.of_bytes, SMALL)]
NOW = 1_767_312_000.0


def list_files(store: LocalStore) -> list[Path]:
    return sorted(path for path in store.directory.rglob("*") if path.is_file())


def store_all(store: LocalStore) -> None:
    with store.open_deposit() as deposit:
        for content in (LARGE, *SMALL):
            deposit.put_object(BytesIO(content))


@pytest.fixture
def trashed(store: LocalStore) -> LocalStore:
    """A store with a large content and a pack, which are in the trash."""
    store_all(store)
    trash = LocalTrash(store)
    for stored in list(trash.list_stored()):
        trash.discard(stored, NOW)
    return store


def find_trashed(store: LocalStore) -> dict[bool, StoredFile]:
    """The file of the large content (False), and the pack (True)."""
    return {stored.is_pack: stored for stored in LocalTrash(store).list_trash()}


def read(store: LocalStore, digest: Digest) -> bytes:
    out = BytesIO()
    store.copy_object(digest, out)
    return out.getvalue()


def test_what_is_in_the_trash_is_read_where_it_is(trashed: LocalStore, tmp_path: Path) -> None:
    before = list_files(trashed)
    assert trashed.find_missing(DIGESTS) == set()
    assert [read(trashed, digest) for digest in DIGESTS] == [LARGE, *SMALL]
    assert trashed.read_sizes(DIGESTS) == {
        digest: len(content) for digest, content in zip(DIGESTS, (LARGE, *SMALL), strict=True)
    }
    wanted = DigestSet.from_digests(DIGESTS)
    assert dict(trashed.read_small(wanted, 100)) == dict(zip(DIGESTS[1:], SMALL, strict=True))
    descriptor = trashed.open_object(LARGE_DIGEST)
    assert descriptor is not None
    os.close(descriptor)
    targets = [tmp_path / digest.hex for digest in DIGESTS]
    trashed.export_objects(list(zip(DIGESTS, targets, strict=True)))
    assert [path.read_bytes() for path in targets] == [LARGE, *SMALL]
    assert list(trashed.verify_objects(DIGESTS)) == []
    assert list_files(trashed) == before


def test_a_damaged_copy_in_the_trash_is_lost_and_set_aside(trashed: LocalStore) -> None:
    flip_bit(find_trashed(trashed)[False].folder / LARGE_DIGEST.hex, 7)
    (problem,) = trashed.verify_objects(DIGESTS)
    assert (problem.digest, problem.lost) == (LARGE_DIGEST, True)
    assert len(trashed.quarantine_damaged(LARGE_DIGEST)) == 1
    assert trashed.find_missing(DIGESTS) == {LARGE_DIGEST}


def test_a_sound_copy_in_the_trash_serves_for_a_damaged_one(trashed: LocalStore) -> None:
    with trashed.open_deposit() as deposit:
        deposit.put_object(BytesIO(LARGE))
    flip_bit(trashed.loose.path_of(LARGE_DIGEST.hex), 7)
    assert read(trashed, LARGE_DIGEST) == LARGE
    (problem,) = trashed.verify_objects()
    assert (problem.digest, problem.lost) == (LARGE_DIGEST, False)


def test_restoring_replaces_nothing(trashed: LocalStore) -> None:
    store_all(trashed)
    files = find_trashed(trashed)
    for stored in files.values():
        path = stored.folder / stored.name
        flip_bit(path, path.stat().st_size // 2 if not stored.is_pack else 600)
        LocalTrash(trashed).restore(stored)
        assert path.exists()
    assert [read(trashed, digest) for digest in DIGESTS] == [LARGE, *SMALL]
    assert list(trashed.verify_objects()) == []


def test_restoring_what_is_there_again_leaves_one(trashed: LocalStore) -> None:
    store_all(trashed)
    for stored in find_trashed(trashed).values():
        LocalTrash(trashed).restore(stored)
    LocalTrash(trashed).remove_empty()
    assert not list((trashed.directory / "trash").iterdir())
    assert list(trashed.verify_objects()) == []


def test_what_is_moved_while_it_is_looked_for_is_found(
    trashed: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As gc does it in another process, between the look and the reading."""
    find = trashed.find_trashed

    def find_and_restore(digests: set[str]) -> object:
        found = find(digests)
        for stored in find_trashed(trashed).values():
            LocalTrash(LocalStore.open_in(trashed.directory)).restore(stored)
        return found

    monkeypatch.setattr(trashed, "find_trashed", find_and_restore)
    assert [read(trashed, digest) for digest in DIGESTS] == [LARGE, *SMALL]


def test_verify_reports_nothing_that_was_only_moved(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_all(store)
    locate = store.locate_objects

    def locate_and_discard(wanted: DigestSet) -> object:
        located = locate(wanted)
        trash = LocalTrash(LocalStore.open_in(store.directory))
        for stored in list(trash.list_stored()):
            if not stored.is_pack:
                trash.discard(stored, NOW)
        return located

    monkeypatch.setattr(store, "locate_objects", locate_and_discard)
    assert list(store.verify_objects()) == []
    assert find_trashed(store).keys() == {False}
