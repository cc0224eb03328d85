"""A back-end that fails as networks and servers do."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TypeVar

from mlver.storage.remote.blobs import (
    BlobInfo,
    BlobSource,
    BytesBlob,
    PutOutcome,
    TransientBlobError,
)
from tests.storage.remote.memory import MemoryBlobs

Answer = TypeVar("Answer")


class Fault(Enum):
    """What happens to one call."""

    REFUSED = "nothing is done, and an error comes back"
    ANSWER_LOST = "the call takes effect, and an error comes back"
    CUT = "the answer ends early"
    WRONG_BYTES = "a bit of the answer is flipped"
    WHOLE = "the whole blob comes back for a range"
    FORGOTTEN = "the call is acknowledged, and nothing is done"


class FaultyBlobs:
    """Satisfies BlobStore. The calls with these numbers, from 0 on, meet these faults."""

    address = "faulty"

    def __init__(self, inner: MemoryBlobs, faults: dict[int, Fault] | None = None) -> None:
        self.inner = inner
        self.faults = faults or {}
        self.calls: list[str] = []

    def confirms_content(self) -> bool:
        return False

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        fault = self._begin_call("put")
        if fault is Fault.FORGOTTEN:
            return PutOutcome.CREATED
        return self._lose_answer(fault, self.inner.put_blob(key, source))

    def replace_blob(self, key: str, source: BlobSource) -> None:
        fault = self._begin_call("replace")
        if fault is not Fault.FORGOTTEN:
            self.inner.replace_blob(key, source)
            self._lose_answer(fault, None)

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        fault = self._begin_call("get")
        data = self._lose_answer(fault, self.inner.get_range(key, offset, size))
        if fault is Fault.CUT:
            return data[: size // 2]
        if fault is Fault.WRONG_BYTES and data:
            return bytes((data[0] ^ 1,)) + data[1:]
        if fault is Fault.WHOLE:
            return self.inner.contents[key]
        return data

    def stat_blob(self, key: str) -> BlobInfo:
        fault = self._begin_call("stat")
        return self._lose_answer(fault, self.inner.stat_blob(key))

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        fault = self._begin_call("list")
        infos = list(self.inner.list_blobs(prefix))
        if fault in (Fault.CUT, Fault.ANSWER_LOST):
            yield from infos[: len(infos) // 2]
            raise TransientBlobError("the listing was cut", hint="again")
        yield from infos

    def delete_blob(self, key: str) -> None:
        fault = self._begin_call("delete")
        self.inner.delete_blob(key)
        self._lose_answer(fault, None)

    def sweep_leftovers(self) -> None:
        self.inner.sweep_leftovers()

    def _begin_call(self, name: str) -> Fault | None:
        fault = self.faults.get(len(self.calls))
        self.calls.append(name)
        if fault is Fault.REFUSED:
            raise TransientBlobError("503 Slow Down", hint="again")
        return fault

    def _lose_answer(self, fault: Fault | None, answer: Answer) -> Answer:
        if fault is Fault.ANSWER_LOST:
            raise TransientBlobError("the connection was reset", hint="again")
        return answer


def damage_blob(blobs: MemoryBlobs, key: str, offset: int) -> None:
    data = bytearray(blobs.contents[key])
    data[offset] ^= 1
    blobs.replace_blob(key, BytesBlob(bytes(data)))
