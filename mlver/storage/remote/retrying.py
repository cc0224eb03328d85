"""Tries again what failed for now, for every back-end alike, and checks what each of them answers.

A back-end tries once. Whether it is worth trying again, how long to wait and when to give up is
decided here, so that a new back-end cannot get it wrong.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mlver.storage.remote.attempts import Attempts, Result
from mlver.storage.remote.blobs import (
    BlobInfo,
    BlobSource,
    BlobStore,
    PutOutcome,
    TransientBlobError,
    check_range,
    stream_range,
)
from mlver.system.timings import STANDARD, RetryPolicy


@dataclass(frozen=True, slots=True)
class RetryingBlobs:
    """Satisfies BlobStore, over another one.

    What still raises TransientBlobError after this was tried as often as the policy allows.
    `sleep` and `clock` take and give seconds.
    """

    inner: BlobStore
    policy: RetryPolicy = STANDARD.retries
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @property
    def address(self) -> str:
        return self.inner.address

    def confirms_content(self) -> bool:
        """See BlobStore."""
        return self._retry_call(self.inner.confirms_content)

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore. A retry may meet the blob of the attempt whose answer was lost."""
        return self._retry_call(lambda: self.inner.put_blob(key, source))

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore."""
        self._retry_call(lambda: self.inner.replace_blob(key, source))

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        return self._retry_call(
            lambda: check_range(key, size, self.inner.get_range(key, offset, size))
        )

    def stream_range(self, key: str, offset: int, size: int) -> Iterator[memoryview]:
        """See StreamingBlobs. After a failure it goes on behind what has come."""
        done = 0
        attempts = self._begin_attempts()
        while done < size:
            try:
                for piece in stream_range(self.inner, key, offset + done, size - done):
                    done += len(piece)
                    attempts.note_progress()
                    yield piece
            except TransientBlobError as error:
                attempts.wait_after(error)

    def stat_blob(self, key: str) -> BlobInfo:
        """See BlobStore."""
        return self._retry_call(lambda: self.inner.stat_blob(key))

    def delete_blob(self, key: str) -> None:
        """See BlobStore."""
        self._retry_call(lambda: self.inner.delete_blob(key))

    def sweep_leftovers(self) -> None:
        """See BlobStore."""
        self._retry_call(self.inner.sweep_leftovers)

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """See BlobStore. After a failure the listing begins again and leaves out what it gave."""
        listed: set[str] = set()
        attempts = self._begin_attempts()
        while True:
            try:
                for blob_info in self.inner.list_blobs(prefix):
                    # A listing that makes progress is never given up for failures long past.
                    if blob_info.key not in listed:
                        listed.add(blob_info.key)
                        attempts.note_progress()
                        yield blob_info
            except TransientBlobError as error:
                attempts.wait_after(error)
            else:
                return

    def _retry_call(self, call: Callable[[], Result]) -> Result:
        return self._begin_attempts().repeat(call)

    def _begin_attempts(self) -> Attempts:
        return Attempts(self.policy, self.sleep, self.clock)
