"""Very many copies are located in little memory, and the same as one by one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mlver.storage import packs
from mlver.storage.digests import DigestSet
from mlver.storage.local import LocalStore, pack_files
from mlver.storage.local.locations import CopyList


def raw(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()


def test_copies_come_in_the_order_of_their_file() -> None:
    copies = CopyList("a.pack", "a")
    offsets = [(number * 7_919_999) % (64 << 20) for number in range(500)]
    for rank, offset in enumerate(offsets):
        copies.add_copy(offset, 1, rank)
    assert [offset for offset, _, _ in copies.sorted_copies()] == sorted(offsets)
    assert [offsets[rank] for _, _, rank in copies.sorted_copies()] == sorted(offsets)
    assert copies.total == 500


@pytest.mark.parametrize("count", [1, 10, 700])
def test_what_is_located_is_what_is_found_by_name(tmp_path: Path, count: int) -> None:
    store = LocalStore.open_in(tmp_path / "store")
    contents = [b"%d" % number for number in range(700)] + [
        b"%d" % number * 400_000 for number in (1, 2)
    ]
    with store.open_deposit() as deposit:
        for content in contents:
            deposit.accept_receipt(
                deposit.store_contents([(hashlib.sha256(content).hexdigest(), content)])
            )
    asked = [hashlib.sha256(content).digest() for content in contents[-count:]]
    strangers = [raw(number) for number in (10_000, 10_001)]
    located = store.locate_objects(DigestSet.from_raw([*asked, *strangers]))
    assert {digest.hex for digest in located.list_missing()} == {one.hex() for one in strangers}
    places = store.find_locations({one.hex() for one in asked})
    seen = {
        (located.wanted.digest_at(rank).hex(), copies.path, offset, size)
        for copies in located.packs
        for offset, size, rank in copies.sorted_copies()
    }
    assert seen == {
        (digest, p.path, p.offset, p.size) for digest, several in places.items() for p in several
    }


def test_a_large_index_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = LocalStore.open_in(tmp_path / "store")
    with store.open_deposit() as deposit:
        deposit.accept_receipt(deposit.store_contents([(raw(1).hex(), b"1")]))
    monkeypatch.setattr(pack_files, "LARGE_INDEX", 1)
    store.locate_objects(DigestSet.from_raw([raw(1)]))
    (pack,) = store.list_packs()
    assert "index" not in vars(pack)
    pack.keep_index(b"x" * packs.LINE)
    pack.release_index()
    assert "index" in vars(pack), "made again from the pack, it may be nowhere else"
