"""What every object store promises, as tests.

The test class of a back-end inherits these and supplies the store:

class TestMine(StoreConformance):
    @pytest.fixture
    def store(self) -> ObjectStore: ...
    def damage_object(self, store, digest) -> None: ...   # flips a bit of what is stored
"""

from __future__ import annotations

import io
import os
import re

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.storage.store import ObjectStore

LARGE = os.urandom(1 << 20) + b"and some more"
CONTENTS = [
    b"",
    b"x",
    b"small",
    bytes(511),
    bytes(512),
    bytes(513),
    LARGE[: (1 << 20) - 1],
    LARGE[: 1 << 20],
    LARGE,
]


class _BrokenSource(io.BytesIO):
    """Fails once half is read."""

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if self.tell() > 1 << 20:
            raise ConnectionResetError(104, "Connection reset")
        return data


def put_contents(store: ObjectStore, *contents: bytes) -> list[Digest]:
    with store.open_deposit() as intake:
        return [intake.put_object(io.BytesIO(content)) for content in contents]


def put_and_fail(store: ObjectStore, *contents: bytes) -> None:
    with store.open_deposit() as intake:
        for content in contents:
            intake.put_object(io.BytesIO(content))
        raise ZeroDivisionError


def assert_says_what_to_do(error: MlverError) -> None:
    """What to do is in words, for no command that is a hint looks into every store."""
    assert re.search(r"; .*\b(store|copy|register)", error.message), error.message


def get_content(store: ObjectStore, digest: Digest) -> bytes:
    out = io.BytesIO()
    size = store.copy_object(digest, out)
    assert size == len(out.getvalue())
    return out.getvalue()


class StoreConformance:
    def damage_object(self, store: ObjectStore, digest: Digest) -> None:
        raise NotImplementedError

    def test_what_is_put_is_there(self, store: ObjectStore) -> None:
        digests = put_contents(store, *CONTENTS)
        assert digests == [Digest.of_bytes(content) for content in CONTENTS]
        assert store.find_missing(digests) == set()
        assert [get_content(store, digest) for digest in digests] == CONTENTS

    def test_what_was_never_put_is_missing(self, store: ObjectStore) -> None:
        absent = Digest.of_bytes(b"absent")
        (there,) = put_contents(store, b"there")
        assert store.find_missing([absent, there]) == {absent}
        with pytest.raises(ObjectMissing) as caught:
            get_content(store, absent)
        assert str(absent) in caught.value.message
        assert_says_what_to_do(caught.value)

    def test_an_empty_store_answers(self, store: ObjectStore) -> None:
        assert store.find_missing([]) == set()
        assert store.find_missing([Digest.of_bytes(b"x")]) == {Digest.of_bytes(b"x")}
        assert put_contents(store) == []

    def test_putting_again_is_harmless(self, store: ObjectStore) -> None:
        for _ in range(3):
            for content in (b"same", LARGE):
                (digest, again) = put_contents(store, content, content)
                assert digest == again
                assert get_content(store, digest) == content

    def test_many_are_asked_for_at_once(self, store: ObjectStore) -> None:
        digests = put_contents(store, *(b"%d" % number for number in range(1500)))
        absent = {Digest.of_bytes(b"no %d" % number) for number in range(700)}
        assert store.find_missing([*digests, *absent]) == absent

    def test_a_listing_names_what_was_put(self, store: ObjectStore) -> None:
        assert list(store.list_objects()) == []
        digests = put_contents(store, *CONTENTS)
        assert set(store.list_objects()) == set(digests)

    def test_a_sound_store_verifies(self, store: ObjectStore) -> None:
        assert list(store.verify_objects()) == []
        digests = put_contents(store, *CONTENTS)
        assert list(store.verify_objects()) == []
        assert list(store.verify_objects(digests[:2])) == []

    def test_verify_names_what_is_missing(self, store: ObjectStore) -> None:
        absent = Digest.of_bytes(b"absent")
        (digest,) = put_contents(store, b"x")
        (problem,) = store.verify_objects([digest, absent])
        assert (problem.digest, problem.lost) == (absent, True)

    @pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
    def test_verify_names_what_is_damaged_and_reads_on(
        self, store: ObjectStore, content: bytes
    ) -> None:
        digests = put_contents(store, b"other", content, LARGE[1:], b"more")
        self.damage_object(store, digests[1])
        for asked in (None, digests):
            steps: list[int] = []
            (problem,) = store.verify_objects(asked, progress=steps.append)
            assert (problem.digest, problem.lost) == (digests[1], True)
            assert sum(steps) == len(content) + len(LARGE) - 1 + 9

    def test_two_deposits_at_once_agree(self, store: ObjectStore) -> None:
        with store.open_deposit() as intake, store.open_deposit() as other:
            for content in (b"small", LARGE):
                first = intake.put_object(io.BytesIO(content))
                assert other.put_object(io.BytesIO(content)) == first
        assert get_content(store, Digest.of_bytes(LARGE)) == LARGE
        assert list(store.verify_objects()) == []

    def test_nothing_is_stored_after_an_error(self, store: ObjectStore) -> None:
        with pytest.raises(ZeroDivisionError):
            put_and_fail(store, b"small", LARGE)
        digests = {Digest.of_bytes(content) for content in (b"small", LARGE)}
        assert store.find_missing(digests) == digests

    def test_a_source_that_breaks_stores_nothing(self, store: ObjectStore) -> None:
        with pytest.raises(Exception, match="Connection reset"), store.open_deposit() as intake:
            intake.put_object(_BrokenSource(LARGE * 2))
        assert store.find_missing([Digest.of_bytes(LARGE * 2)]) == {Digest.of_bytes(LARGE * 2)}

    @pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
    def test_damage_is_found_and_repaired_by_storing_again(
        self, store: ObjectStore, content: bytes
    ) -> None:
        other, digest = put_contents(store, b"other", content)
        self.damage_object(store, digest)
        with pytest.raises(ObjectDamaged) as caught:
            get_content(store, digest)
        assert str(digest) in caught.value.message
        assert_says_what_to_do(caught.value)
        assert get_content(store, other) == b"other"
        for _ in range(2):
            put_contents(store, content)
            assert get_content(store, digest) == content
