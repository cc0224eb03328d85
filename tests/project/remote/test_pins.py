"""What a push tells to gc, and what it is told."""

from __future__ import annotations

import json

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.project.remote.condemned import (
    CONDEMNED_STATE,
    DELETING,
    PROPOSED,
    new_record_key,
    write_condemned,
)
from mlver.project.remote.notices import UnreadableNotice
from mlver.project.remote.pins import (
    PushTimes,
    abandon_push,
    begin_push,
    check_condemned,
    finish_push,
    read_pins,
    settle_push,
)
from mlver.storage.remote.blobs import BytesBlob, TransientBlobError
from tests.storage.remote.memory import MemoryBlobs

DIGEST = Digest.of_bytes(b"weights")
KEY = f"objects/{DIGEST.hex[:2]}/{DIGEST.hex}"


class Clock:
    """Seconds that pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def times(clock: Clock) -> PushTimes:
    return PushTimes(clock.read, clock.sleep)


def test_a_pin_names_what_a_push_relies_on(times: PushTimes) -> None:
    blobs = MemoryBlobs()
    pin = begin_push(blobs, [DIGEST], times)
    (live_pin,) = read_pins(blobs)
    assert live_pin.digests == {DIGEST.hex}
    abandon_push(pin)
    assert not blobs.contents


@pytest.mark.parametrize("state", [PROPOSED, CONDEMNED_STATE])
def test_what_is_condemned_is_sent_again_once(times: PushTimes, state: str) -> None:
    blobs = MemoryBlobs()
    pin = begin_push(blobs, [DIGEST], times)
    write_condemned(blobs, new_record_key(), state, [KEY], by="x")
    sent: list[frozenset[str]] = []
    settle_push(pin, sent.append)
    assert sent == [{KEY}]
    assert check_condemned(pin).is_settled


def test_a_push_waits_for_a_gc_that_deletes(clock: Clock) -> None:
    blobs = MemoryBlobs()
    record = write_condemned(blobs, new_record_key(), DELETING, [KEY], by="x")

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 100:
            blobs.delete_blob(record.key)

    pin = begin_push(blobs, [DIGEST], PushTimes(clock.read, sleep))
    assert check_condemned(pin).is_settled
    assert clock.now > 100


def test_a_gc_that_does_not_end_is_named(times: PushTimes) -> None:
    blobs = MemoryBlobs()
    write_condemned(blobs, new_record_key(), DELETING, [KEY], by="clone of Ann")
    pin = begin_push(blobs, [DIGEST], times)
    with pytest.raises(MlverError, match="clone of Ann"):
        check_condemned(pin)


def test_a_push_that_took_long_asks_again(clock: Clock, times: PushTimes) -> None:
    blobs = MemoryBlobs()
    pin = begin_push(blobs, [DIGEST], times)
    settle_push(pin, lambda _: None)
    clock.now += 4 * 3600
    sent: list[frozenset[str]] = []
    finish_push(pin, sent.append)
    assert sent == [frozenset()]
    assert not blobs.contents


def test_a_quick_push_asks_nothing_after_it(times: PushTimes) -> None:
    pin = begin_push(MemoryBlobs(), [DIGEST], times)
    finish_push(pin, lambda _: pytest.fail("asked again"))


def test_a_push_that_git_has_made_does_not_fail_for_its_pin(
    times: PushTimes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server fails once git has everything: the pin stays until it is old."""
    blobs = MemoryBlobs()
    pin = begin_push(blobs, [DIGEST], times)

    def refuse_call(key: str) -> None:
        raise TransientBlobError(f"the server cannot delete {key} now")

    monkeypatch.setattr(blobs, "delete_blob", refuse_call)
    finish_push(pin, lambda _: None)
    assert [live.digests for live in read_pins(blobs)] == [frozenset([DIGEST.hex])]


HOSTILE = [
    b"",
    b"[",
    b"[]",
    b"null",
    b"{}",
    b"[" * 100_000,
    b'{"schema":"mlver/pin/2","digests":[]}',
    b'{"schema":"mlver/pin/1"}',
    b'{"schema":"mlver/pin/1","digests":"' + b"a" * 64 + b'"}',
    b'{"schema":"mlver/pin/1","digests":[1]}',
    b'{"schema":"mlver/pin/1","digests":["../x"]}',
    b"\xff\xfe",
]


@pytest.mark.parametrize("data", HOSTILE)
def test_a_pin_that_cannot_be_read_ends_it(data: bytes) -> None:
    blobs = MemoryBlobs()
    blobs.replace_blob("pins/a.json", BytesBlob(data))
    with pytest.raises(UnreadableNotice, match=r"pins/a\.json"):
        read_pins(blobs)


@pytest.mark.parametrize(
    "field",
    [
        {"keys": None},
        {"keys": ["../../x"]},
        {"keys": [1]},
        {"state": "gone"},
        {"state": ["deleting"]},
        {"by": 1},
        {"since": 5},
        {"since": "never"},
        {"since": "2026-01-01T00:00:00"},
        {"schema": "mlver/condemned/2"},
    ],
)
def test_a_record_that_cannot_be_read_ends_it(field: dict[str, object], times: PushTimes) -> None:
    blobs = MemoryBlobs()
    pin = begin_push(blobs, [DIGEST], times)
    record = write_condemned(blobs, new_record_key(), CONDEMNED_STATE, [KEY], by="x")
    document = json.loads(blobs.contents[record.key])
    blobs.contents[record.key] = json.dumps({**document, **field}).encode()
    with pytest.raises(UnreadableNotice, match="condemned/"):
        check_condemned(pin)
