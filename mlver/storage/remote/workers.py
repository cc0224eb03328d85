"""Threads that transfer, with one thread that waits for them.

A call to a remote may hang, and cannot be interrupted then. So all of them run in daemon threads,
and the thread that waits stays free for Ctrl-C, for progress and for noticing a stall.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized

from mlver.errors import MlverError
from mlver.storage.store import StoreProgress
from mlver.system.memory import return_large_blocks
from mlver.system.parallel import ignore_progress

Task = Callable[[], None]
# How long the waiting thread sleeps at most, and how long it lets the others end after a failure.
_TICK_S = 0.1
_ENDING_S = 0.5


class TransferStopped(Exception):
    """What ends a task because another one failed. It is never seen outside."""


class TransferWorkers:
    """Runs tasks in `jobs` threads.

    After the first failure no new task begins. `progress` gets the bytes that tasks report, and
    `stall` is for how many seconds nothing may move.
    """

    def __init__(
        self, address: str, jobs: int, stall: float, progress: StoreProgress = ignore_progress
    ) -> None:
        self.confirmed = 0
        self._address = address
        self._jobs = max(1, jobs)
        self._stall = stall
        self._progress = progress
        self._changed = threading.Condition()
        self._draw_lock = threading.Lock()
        self._error: BaseException | None = None
        self._stopped = False
        self._running = 0
        self._reported = 0
        self._moved_at = time.monotonic()

    def run_tasks(self, tasks: Iterable[Task]) -> None:
        """Run all tasks; raise what the first one to fail raises, or what drawing one does.

        They are drawn by the threads, one at a time. An error leaves calls under way that nobody
        waits for: what a task does after a call has to check `raise_if_stopped`.
        """
        return_large_blocks()
        remaining = iter(tasks)
        threads = []
        # No more threads than tasks, where that is known.
        most = len(tasks) if isinstance(tasks, Sized) else self._jobs
        for _ in range(min(self._jobs, most)):
            threads.append(threading.Thread(target=self._work, args=(remaining,), daemon=True))
        self._moved_at = time.monotonic()
        self._running = len(threads)
        try:
            for thread in threads:
                thread.start()
            self._wait_for_end()
        finally:
            self._stopped = True
            self._wait_briefly()
        if self._error is not None:
            raise self._error

    def count_confirmed(self, size: int) -> None:
        """So many more bytes are known to be where they shall be."""
        with self._changed:
            self.confirmed += size
            self._moved_at = time.monotonic()

    def note_movement(self) -> None:
        """Something was sent or received: it is no stall."""
        self._moved_at = time.monotonic()

    def raise_if_stopped(self) -> None:
        """End the task that calls this if the transfer is over."""
        if self._stopped:
            raise TransferStopped

    def _work(self, remaining: Iterator[Task]) -> None:
        try:
            while not self._stopped:
                with self._draw_lock:
                    self.raise_if_stopped()
                    task = next(remaining, None)
                if task is None:
                    return
                task()
                # What it holds is freed before the next one is drawn.
                del task
                self.note_movement()
        except TransferStopped:
            pass
        # Whatever it is, it is raised by the thread that waits.
        except BaseException as error:  # noqa: BLE001
            self._keep_error(error)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _keep_error(self, error: BaseException) -> None:
        with self._changed:
            self._stopped = True
            if self._error is None:
                self._error = error
            self._changed.notify_all()

    def _wait_for_end(self) -> None:
        while True:
            with self._changed:
                if self._running and self._error is None:
                    self._changed.wait(_TICK_S)
                is_over = not self._running or self._error is not None
            self._report_progress()
            if is_over:
                return
            if time.monotonic() - self._moved_at > self._stall:
                raise MlverError(
                    f"nothing came through to {self._address} or from there for"
                    f" {self._stall:g} seconds; check the connection, then run the same command"
                    " again, on a slow line with fewer jobs"
                )

    def _wait_briefly(self) -> None:
        """Let the calls under way end, so that they find everything as it was."""
        deadline = time.monotonic() + _ENDING_S
        with self._changed:
            while self._running and time.monotonic() < deadline:
                self._changed.wait(_TICK_S)

    def _report_progress(self) -> None:
        confirmed = self.confirmed
        if confirmed > self._reported:
            self._progress(confirmed - self._reported)
        self._reported = confirmed


class ByteBudget:
    """How many bytes may be in memory at once. Tasks that would hold more wait."""

    def __init__(self, workers: TransferWorkers, limit: int) -> None:
        self._workers = workers
        self._limit = limit
        self._used = 0
        self._changed = threading.Condition()

    def acquire(self, size: int) -> None:
        """Wait until so many bytes are free. More than there are at all are given to one alone."""
        with self._changed:
            while self._used and self._used + size > self._limit:
                self._workers.raise_if_stopped()
                self._changed.wait(_TICK_S)
            self._used += size

    def release(self, size: int) -> None:
        """Give bytes back."""
        with self._changed:
            self._used -= size
            self._changed.notify_all()
