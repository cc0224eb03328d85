"""Calls that are tried again: how long to wait in between, and when to give up.

Whoever repeats a call does it by these, so that no back-end gets it wrong in a way of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from mlver.storage.remote.blobs import TransientBlobError
from mlver.system.timings import STANDARD, RetryPolicy

Result = TypeVar("Result")


class Attempts:
    """The failures of one call since it made progress last.

    `sleep` and `clock` take and give seconds.
    """

    def __init__(
        self,
        policy: RetryPolicy = STANDARD.retries,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._policy = policy
        self._sleep = sleep
        self._clock = clock
        self._failures = 0
        self._deadline = 0.0

    def note_progress(self) -> None:
        """Forget what failed before: a call that makes progress is not given up for that."""
        self._failures = 0

    def wait_after(self, error: TransientBlobError) -> None:
        """Wait before the next attempt; raise the error where there is to be none."""
        now = self._clock()
        if self._failures == 0:
            self._deadline = now + self._policy.patience
        self._failures += 1
        # Doubled each time, so that a server that is down is not made slower by those who wait.
        wait = self._policy.first_wait * 2.0 ** (self._failures - 1)
        wait = min(wait, self._policy.longest_wait)
        if self._failures >= self._policy.attempts or now + wait > self._deadline:
            raise error
        self._sleep(wait)

    def repeat(self, call: Callable[[], Result]) -> Result:
        """The result of a call that is tried as often as the policy allows."""
        while True:
            try:
                return call()
            except TransientBlobError as error:
                self.wait_after(error)
