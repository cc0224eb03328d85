"""Retries: which failures are tried again, how long, and that a repeated call does no harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mlver.storage.remote.blobs import (
    BlobInfo,
    BlobMissing,
    BytesBlob,
    PutOutcome,
    RangeIgnored,
    TransientBlobError,
    stream_range,
)
from mlver.storage.remote.retrying import RetryingBlobs
from mlver.system.timings import RetryPolicy
from tests.storage.remote.blob_conformance import KEY, list_keys, read_blob
from tests.storage.remote.faulty import Fault, FaultyBlobs
from tests.storage.remote.memory import MemoryBlobs


class Clock:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def read(self) -> float:
        return self.now


def retry_over(
    faults: dict[int, Fault], policy: RetryPolicy | None = None
) -> tuple[RetryingBlobs, FaultyBlobs, Clock]:
    clock = Clock()
    faulty = FaultyBlobs(MemoryBlobs(), faults)
    policy = policy or RetryPolicy()
    return RetryingBlobs(faulty, policy, clock.sleep, clock.read), faulty, clock


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ANSWER_LOST])
def test_each_call_is_tried_again_and_counts_once(fault: Fault) -> None:
    blobs, faulty, clock = retry_over({})
    for call in (
        lambda: blobs.put_blob(KEY, BytesBlob(b"x")),
        lambda: blobs.replace_blob(KEY, BytesBlob(b"y")),
        lambda: blobs.get_range(KEY, 0, 1),
        lambda: blobs.stat_blob(KEY),
        lambda: blobs.delete_blob(KEY),
    ):
        faulty.faults = {len(faulty.calls): fault}
        call()
    assert faulty.calls == [
        name for name in ("put", "replace", "get", "stat", "delete") for _ in range(2)
    ]
    assert len(clock.waits) == 5
    assert list_keys(blobs) == []


def test_a_put_whose_answer_was_lost_finds_its_own_blob() -> None:
    blobs, _, _ = retry_over({0: Fault.ANSWER_LOST})
    assert blobs.put_blob(KEY, BytesBlob(b"mine")) is PutOutcome.ALREADY_THERE
    assert read_blob(blobs, KEY) == b"mine"


def test_waits_double_up_to_a_limit_and_then_the_error_is_raised() -> None:
    policy = RetryPolicy(attempts=6, first_wait=1, longest_wait=5, patience=1000)
    blobs, faulty, clock = retry_over(dict.fromkeys(range(99), Fault.REFUSED), policy)
    with pytest.raises(TransientBlobError, match="Slow Down"):
        blobs.stat_blob(KEY)
    assert clock.waits == [1, 2, 4, 5, 5]
    assert len(faulty.calls) == 6


def test_patience_ends_before_the_attempts_do() -> None:
    policy = RetryPolicy(attempts=100, first_wait=1, longest_wait=1, patience=3.5)
    blobs, _, clock = retry_over(dict.fromkeys(range(99), Fault.REFUSED), policy)
    with pytest.raises(TransientBlobError):
        blobs.delete_blob(KEY)
    assert clock.waits == [1, 1, 1]


def test_what_would_fail_again_is_not_tried_again() -> None:
    blobs, faulty, clock = retry_over({})
    with pytest.raises(BlobMissing):
        blobs.stat_blob(KEY)
    assert faulty.calls == ["stat"]
    assert clock.waits == []


def test_a_cut_answer_is_asked_for_again() -> None:
    blobs, faulty, _ = retry_over({1: Fault.CUT, 2: Fault.CUT})
    blobs.put_blob(KEY, BytesBlob(b"content"))
    assert blobs.get_range(KEY, 0, 7) == b"content"
    assert faulty.calls == ["put", "get", "get", "get"]


def test_a_server_that_answers_a_range_with_the_whole_is_refused() -> None:
    blobs, _, clock = retry_over({1: Fault.WHOLE})
    blobs.put_blob(KEY, BytesBlob(b"content"))
    with pytest.raises(RangeIgnored, match="a range of 2 bytes") as caught:
        blobs.get_range(KEY, 2, 2)
    assert KEY in caught.value.message
    assert clock.waits == []


def test_a_listing_that_is_cut_begins_again_and_repeats_nothing() -> None:
    keys = [f"objects/{number:02x}" for number in range(40)]
    blobs, faulty, _ = retry_over({})
    for key in keys:
        faulty.inner.put_blob(key, BytesBlob(b""))
    faulty.faults = {0: Fault.REFUSED, 1: Fault.CUT, 2: Fault.CUT, 3: Fault.CUT}
    listed = [info.key for info in blobs.list_blobs("objects/")]
    assert sorted(listed) == keys
    assert faulty.calls == ["list"] * 5


def test_a_listing_that_never_ends_is_given_up() -> None:
    blobs, faulty, clock = retry_over(dict.fromkeys(range(99), Fault.CUT))
    for number in range(8):
        faulty.inner.put_blob(f"a{number}", BytesBlob(b""))
    with pytest.raises(TransientBlobError, match="listing was cut"):
        list(blobs.list_blobs(""))
    assert len(clock.waits) == RetryPolicy().attempts - 1


class GrowingListing(MemoryBlobs):
    """A listing that gets one blob further each time, and an hour later."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.attempts = 0

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        self.attempts += 1
        self._clock.now += 3600
        for position, info in enumerate(super().list_blobs(prefix)):
            if position == self.attempts:
                raise TransientBlobError("the listing was cut", hint="again")
            yield info


def test_a_listing_that_gets_further_is_never_given_up() -> None:
    clock = Clock()
    growing = GrowingListing(clock)
    for number in range(12):
        growing.put_blob(f"a{number}", BytesBlob(b""))
    blobs = RetryingBlobs(growing, RetryPolicy(attempts=2), clock.sleep, clock.read)
    assert len(list_keys(blobs)) == 12
    assert growing.attempts == 12
    assert set(clock.waits) == {RetryPolicy().first_wait}


class StreamingMemory(MemoryBlobs):
    """Streams two bytes at a time; each of the first `cuts` answers ends after six bytes."""

    def __init__(self, cuts: int, *, raises: bool = True) -> None:
        super().__init__()
        self.asked: list[tuple[int, int]] = []
        self._cuts = cuts
        self._raises = raises

    def stream_range(self, key: str, offset: int, size: int) -> Iterator[memoryview]:
        self.asked.append((offset, size))
        data = self.get_range(key, offset, size)
        is_cut = len(self.asked) <= self._cuts
        for begin in range(0, 6 if is_cut else size, 2):
            yield memoryview(data)[begin : begin + 2]
        if is_cut and self._raises:
            raise TransientBlobError("the connection was reset", hint="again")


@pytest.mark.parametrize("raises", [True, False], ids=["reset", "end"])
def test_a_stream_that_is_cut_goes_on_behind_what_has_come(raises: bool) -> None:
    inner = StreamingMemory(cuts=2, raises=raises)
    clock = Clock()
    blobs = RetryingBlobs(inner, RetryPolicy(attempts=2), clock.sleep, clock.read)
    blobs.put_blob(KEY, BytesBlob(bytes(range(99))))
    received = b"".join(stream_range(blobs, KEY, 10, 20))
    assert received == bytes(range(10, 30))
    assert inner.asked == [(10, 20), (16, 14), (22, 8)]


def test_a_stream_that_brings_nothing_is_given_up() -> None:
    blobs, faulty, _ = retry_over({})
    blobs.put_blob(KEY, BytesBlob(b"content"))
    faulty.faults = dict.fromkeys(range(99), Fault.REFUSED)
    with pytest.raises(TransientBlobError, match="Slow Down"):
        list(stream_range(blobs, KEY, 0, 7))


def test_a_stream_of_too_much_is_no_answer_to_a_range() -> None:
    class Endless(MemoryBlobs):
        def stream_range(self, key: str, offset: int, size: int) -> Iterator[memoryview]:
            yield from [memoryview(b"1234")] * size

    blobs = RetryingBlobs(Endless())
    received: list[memoryview] = []
    with pytest.raises(RangeIgnored, match="range of 6 bytes"):
        received.extend(stream_range(blobs, KEY, 0, 6))
    assert received == [b"1234"]
