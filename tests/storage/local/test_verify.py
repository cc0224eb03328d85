"""Whatever is damaged is named, set aside, and never served."""

from __future__ import annotations

import random

import pytest

from mlver.digest import Digest
from mlver.errors import ObjectMissing
from mlver.storage import packs
from mlver.storage.local import LocalStore
from mlver.storage.store import StoreProblem
from tests.storage.conformance import LARGE, get_content, put_contents
from tests.storage.local.helpers import find_place, flip_bit


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_quarantine_keeps_the_bad_copy_and_never_serves_it(
    store: LocalStore, content: bytes
) -> None:
    digest, other = put_contents(store, content, b"other")
    assert store.quarantine_damaged(digest) == []
    path, offset = find_place(store, digest)
    flip_bit(path, offset)
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
    path, offset = find_place(store, digest)
    flip_bit(path, offset)
    store.quarantine_damaged(digest)
    put_contents(store, b"alone")
    assert find_place(store, digest)[0] == path
    assert get_content(store, digest) == b"alone"
    assert list(store.verify_objects()) == []
    assert len(list(store.quarantined.iterdir())) == 2


@pytest.mark.parametrize("call", ["verify", "get"])
def test_a_member_is_served_again_once_a_sound_pack_was_copied_over_its_own(
    store: LocalStore, call: str
) -> None:
    digest, other = put_contents(store, b"small", b"other")
    path, offset = find_place(store, digest)
    sound = path.read_bytes()
    flip_bit(path, offset)
    (aside,) = store.quarantine_damaged(digest)
    assert [problem.message for problem in store.verify_objects([digest])] == ["is missing"]
    assert aside.exists()
    path.write_bytes(sound)
    if call == "verify":
        assert list(store.verify_objects([digest, other])) == []
    assert get_content(store, digest) == b"small"
    assert not aside.exists()
    (kept,) = store.quarantined.iterdir()
    assert kept.read_bytes() != b"small"
    assert store.find_missing([digest]) == set()


def test_every_flipped_bit_of_every_stored_file_is_named(store: LocalStore) -> None:
    put_contents(store, *(b"%d" % number * 300 for number in range(6)), LARGE)
    files = [path for path in store.directory.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert list(store.verify_objects()) == []
    chance = random.Random(7)
    for path in files:
        original = path.read_bytes()
        for _ in range(60):
            flip_bit(path, chance.randrange(len(original)), chance.randrange(8))
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
    stranger = store.loose.path_of(large.hex).with_name("stranger")
    stranger.touch()
    assert list(store.verify_objects()) == [
        StoreProblem(None, stranger, "this is no object's name")
    ]
    steps: list[int] = []
    list(store.verify_objects(progress=steps.append))
    assert sum(steps) == len(LARGE) + 5


@pytest.mark.parametrize(
    ("offset", "size"), [(512, 999_999_999_999), (999_999_999_999, 5), (512, 9), (512, -5)]
)
def test_an_index_that_promises_more_than_its_pack_has_is_damage(
    store: LocalStore, offset: int, size: int
) -> None:
    (digest,) = put_contents(store, b"alone")
    path, _ = find_place(store, digest)
    index = b"%b %012d %012d\n" % (digest.hex.encode(), offset, size)
    name = packs.pack_name(index)
    path.with_suffix(".idx").unlink()
    path.with_name(f"{name}.idx").write_bytes(index)
    path.rename(path.with_name(f"{name}.pack"))
    again = LocalStore.open_in(store.directory)
    assert list(again.verify_objects())
    again.quarantine_damaged(digest)
    put_contents(again, b"alone")
    assert get_content(LocalStore.open_in(store.directory), digest) == b"alone"
    assert [problem for problem in again.verify_objects([digest]) if problem.lost] == []
