"""Spreads work over all processors.

Forked processes take many small files.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from mlver.errors import MlverError

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

Item = TypeVar("Item")
Batch = TypeVar("Batch")
Result = TypeVar("Result")
# Batches under way for each worker: one in hand, one waiting, so that none idles while results are
# collected.
AHEAD = 2
# A file of this size or more is read and stored on its own, piece by piece; smaller ones are taken
# many at a time, each whole in memory.
LARGE = 1 << 20
# What is hashed is read in pieces that stay in a core's own cache: larger ones cost four times the
# reading.
PIECE = 1 << 16


def count_cores() -> int:
    """The processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    # macOS
    return os.cpu_count() or 1


def split_batches(
    items: Iterable[Item],
    most_items: int,
    *,
    most_bytes: int = sys.maxsize,
    count_bytes: Callable[[Item], int] | None = None,
) -> Iterator[list[Item]]:
    """Yield the items in batches of at most so many; a batch ends once its bytes reach the limit.

    No batch is large unless its last item is.
    """
    batch: list[Item] = []
    batch_bytes = 0
    for item in items:
        batch.append(item)
        if count_bytes is not None:
            batch_bytes += count_bytes(item)
        if len(batch) >= most_items or batch_bytes >= most_bytes:
            yield batch
            batch = []
            batch_bytes = 0
    if batch:
        yield batch


def spread_batches(
    work: Callable[[Batch], Result], batches: Iterable[Batch], *, workers: int | None = None
) -> Generator[Result, None, None]:
    """Yield `work(batch)` for each batch, in order; batches are drawn only as workers get to them.

    Runs inline where one batch or one processor is all there is. What `work` raises is raised here
    as itself.
    """
    remaining = iter(batches)
    first = list(islice(remaining, 2))
    if len(first) < 2:
        workers = 1
    with WorkerPool(work, workers=workers) as pool:
        waiting: deque[Callable[[], Result]] = deque()
        for batch in chain(first, remaining):
            waiting.append(pool.submit_batch(batch))
            if len(waiting) >= AHEAD * pool.workers:
                wait_for_result = waiting.popleft()
                yield wait_for_result()
        for wait_for_result in waiting:
            yield wait_for_result()


class WorkerPool(Generic[Batch, Result]):
    """Forked workers that all run one function.

    They start at the first batch and end with the `with` block.

    `work` itself isn't pickled: it may close over anything. Batches and results are.
    """

    def __init__(self, work: Callable[[Batch], Result], *, workers: int | None = None) -> None:
        self.workers = max(1, count_cores() if workers is None else workers)
        self._work = work
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> WorkerPool[Batch, Result]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            # Waits for the batches in hand only, so that no child outlives us or still writes after
            # we clean up.
            with delay_interrupt():
                self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    @property
    def is_running(self) -> bool:
        """Whether there are workers by now."""
        return self._pool is not None

    def submit_batch(self, batch: Batch) -> Callable[[], Result]:
        """Start on a batch; the function returned waits for its result.

        With one worker, that function does the work.
        """
        if self.workers == 1:
            return lambda: self._work(batch)
        if self._pool is None:
            self._pool = self._start_workers()
        with delay_interrupt(), warnings.catch_warnings():
            # Python 3.12 warns of forking beside threads; ours hold no lock that a worker takes.
            warnings.simplefilter("ignore", DeprecationWarning)
            run_batch = cast(Callable[[Batch], Result], _run_batch)
            future: Future[Result] = self._pool.submit(run_batch, batch)
        return lambda: _wait_for_result(future)

    def _start_workers(self) -> ProcessPoolExecutor:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        context = multiprocessing.get_context("fork")
        initialise = partial(_initialise_worker, self._work, os.getpid())
        return ProcessPoolExecutor(self.workers, context, initializer=initialise)


@contextmanager
def delay_interrupt() -> Iterator[None]:
    """A Ctrl-C waits until the end of the block.

    It is for the main thread alone, in which Python handles signals.

    Between the start of workers and that of the thread that ends them, it would leave them, and
    this process waiting for them for ever. Blocking the signal is not enough: another thread would
    be given it.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield  # a handler that is not Python's, or a thread that is never interrupted
        return
    received: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if received:
            signal.raise_signal(signal.SIGINT)


# From <linux/prctl.h>.
_PR_SET_PDEATHSIG = 1
_task: Callable[[Any], Any] | None = None


def _initialise_worker(work: Callable[[Any], Any], parent: int) -> None:
    """Prepare a new worker: it leaves Ctrl-C to its parent and does not outlive it."""
    # one worker process runs one function, and nothing else reaches it
    global _task  # noqa: PLW0603
    _task = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)


def _run_batch(batch: object) -> object:
    assert _task is not None
    return _task(batch)


def _wait_for_result(future: Future[Result]) -> Result:
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result()
    except BrokenProcessPool:
        raise MlverError(
            "a worker process was killed, perhaps for want of memory; run the same command again"
        ) from None


def ignore_progress(_: int) -> None:
    """Take the place of a function that reports bytes, where nobody wants to see them."""


def hash_descriptor(
    source: int, write: Callable[[memoryview], None] | None, progress: Callable[[int], None]
) -> tuple[str, int]:
    """The SHA-256 (64 hexadecimal digits) and size of what is left to read of a descriptor.

    Memory is constant. With `write`, each piece is handed to it as well.
    """
    hasher = hashlib.sha256()
    size = 0
    buffer = memoryview(bytearray(PIECE))
    while count := os.readv(source, [buffer]):
        piece = buffer[:count]
        hasher.update(piece)
        if write is not None:
            write(piece)
        size += count
        progress(count)
    return hasher.hexdigest(), size
