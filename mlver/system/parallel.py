"""Work on all processors: forked processes for many small files or half a walk, a second thread to hash meanwhile."""

from __future__ import annotations

import gc
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
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar, cast

from mlver.errors import MlverError

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

Batch = TypeVar("Batch")
Result = TypeVar("Result")
# Batches under way for each worker: one in hand, one waiting, so that none idles while results are collected.
AHEAD = 2
# What is hashed is read in pieces that stay in a core's own cache: larger ones cost four times the reading.
PIECE = 1 << 16
# A copy is at most this much ahead of its hash, so that the hash still finds it in memory.
COPY_LEAD = 128 << 20


def count_cores() -> int:
    """The processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def spread_batches(
    work: Callable[[Batch], Result], batches: Iterable[Batch], *, workers: int | None = None
) -> Generator[Result, None, None]:
    """Yield `work(batch)` for each batch, in order; batches are drawn only as workers get to them.

    Runs inline where one batch or one processor is all there is. What `work` raises is raised here as itself.
    """
    source = iter(batches)
    first = list(islice(source, 2))
    with WorkerPool(work, workers=workers if len(first) > 1 else 1) as pool:
        under_way: deque[Callable[[], Result]] = deque()
        for batch in chain(first, source):
            under_way.append(pool.submit_batch(batch))
            if len(under_way) >= AHEAD * pool.workers:
                yield under_way.popleft()()
        while under_way:
            yield under_way.popleft()()


class WorkerPool(Generic[Batch, Result]):
    """Forked workers that all run one function; they start at the first batch and end with the `with` block.

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
            # Waits for the batches in hand only, so that no child outlives us or still writes after we clean up.
            with _delay_interrupt():
                self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    @property
    def is_running(self) -> bool:
        """Whether there are workers by now."""
        return self._pool is not None

    def submit_batch(self, batch: Batch) -> Callable[[], Result]:
        """Start on a batch; the function returned waits for its result. With one worker that is when it is done."""
        if self.workers == 1:
            return lambda: self._work(batch)
        if self._pool is None:
            self._pool = self._start_workers()
        with _delay_interrupt(), warnings.catch_warnings():
            # Python 3.12 warns of forking beside threads; ours hold no lock that a worker takes.
            warnings.simplefilter("ignore", DeprecationWarning)
            future: Future[Result] = self._pool.submit(
                cast(Callable[[Batch], Result], _run_batch), batch
            )
        return lambda: _wait_for_result(future)

    def _start_workers(self) -> ProcessPoolExecutor:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor

        context = multiprocessing.get_context("fork")
        return ProcessPoolExecutor(
            self.workers, context, initializer=partial(_initialise_worker, self._work, os.getpid())
        )


@contextmanager
def run_beside(work: Callable[[], bytes | None]) -> Iterator[Callable[[], bytes | None]]:
    """Have `work` done meanwhile by a forked process; the function given waits for its result.

    None where there came none: the work said so, failed or was killed. It may close over anything; it should only read,
    for it is ended when the block is left early. Where no second process can be had it is done here, once asked for.
    """
    other = _ForkedWorker()
    try:
        with _delay_interrupt():
            begun = count_cores() > 1 and other.start_work(work)
        yield other.read_answer if begun else work
    finally:
        other.end_process()


_LENGTH = 8


class _ForkedWorker:
    """A forked process that sends one answer: its length, then its bytes."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._source = -1

    def start_work(self, work: Callable[[], bytes | None]) -> bool:
        """Whether there is such a process now; a system may have none to spare."""
        source, target = os.pipe()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # see Pool.submit
                pid = os.fork()
        except OSError:
            os.close(source)
            os.close(target)
            return False
        if pid == 0:
            os.close(source)
            _send_answer(work, target)
        os.close(target)
        self._pid, self._source = pid, source
        return True

    def read_answer(self) -> bytes | None:
        with open(self._source, "rb", closefd=False) as answers:
            length, told = answers.read(_LENGTH), answers.read()
        # An exit status says less: somebody else may have been told it.
        return (
            told if len(length) == _LENGTH and int.from_bytes(length, "big") == len(told) else None
        )

    def end_process(self) -> None:
        """End it now, where it still runs. Another thread may have waited for it, and its number be taken again."""
        if self._source >= 0:
            os.close(self._source)
        if self._pid is not None:
            with suppress(ChildProcessError, ProcessLookupError):
                if os.waitpid(self._pid, os.WNOHANG)[0] == 0:
                    os.kill(self._pid, signal.SIGKILL)
                    os.waitpid(self._pid, 0)
            self._pid = None


def _send_answer(work: Callable[[], bytes | None], target: int) -> NoReturn:
    """In the forked process, which leaves Ctrl-C to its parent and ends at a broken pipe when that one is gone."""
    gc.disable()  # what the parent left to be finalized is the parent's
    with suppress(BaseException):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if (told := work()) is not None:
            with open(target, "wb") as out:
                out.write(len(told).to_bytes(_LENGTH, "big"))
                out.write(told)
    os._exit(0)


@contextmanager
def _delay_interrupt() -> Iterator[None]:
    """A Ctrl-C waits until the end of the block. It is for the main thread alone, in which Python handles signals.

    Between the start of workers and that of the thread that ends them, it would leave them, and this process waiting
    for them for ever. Blocking the signal is not enough: another thread would be given it.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is None or threading.current_thread() is not threading.main_thread():
        yield  # a handler that is not Python's, or a thread that is never interrupted
        return
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)


_task: Callable[[Any], Any] | None = None


def _initialise_worker(work: Callable[[Any], Any], parent: int) -> None:
    """In the new worker: take the function over, leave Ctrl-C to the parent, and don't outlive it."""
    global _task  # noqa: PLW0603 - one worker process runs one function, and nothing else reaches it
    _task = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
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
            "a worker process was killed, perhaps for want of memory",
            hint="run the same command again",
        ) from None


def hash_descriptor(
    source: int, write: Callable[[memoryview], None] | None, progress: Callable[[int], None]
) -> tuple[str, int]:
    """The SHA-256 (64 hexadecimal digits) and size of what is left to read of a descriptor.

    Memory is constant. With `write`, each piece is handed to it as well.
    """
    hasher = hashlib.sha256()
    done = 0
    buffer = memoryview(bytearray(PIECE))
    while count := os.readv(source, [buffer]):
        hasher.update(buffer[:count])
        if write is not None:
            write(buffer[:count])
        done += count
        progress(count)
    return hasher.hexdigest(), done


class CopyTarget(Protocol):
    """A file that grows by what is copied to it, and can be read meanwhile."""

    def take(self, source: int) -> int:
        """Append some of what is left to read of a descriptor; return how many bytes, 0 at its end."""
        ...

    def read_at(self, buffer: memoryview, offset: int) -> int:
        """Fill the buffer, or a part of it, with what is in the file already; return how many bytes.

        Raise OSError where none are left.
        """
        ...


def copy_hashed(
    source: int, target: CopyTarget, progress: Callable[[int], None]
) -> tuple[str, int]:
    """Copy what is left to read of a descriptor; return the SHA-256 and the size of the copy.

    A second thread reads the copy back, from memory, and hashes it behind this one. It changes nothing, so the order of
    all calls that do is the same in every run.
    """
    follower = _Follower(target)
    thread = threading.Thread(target=follower.run, daemon=True)
    thread.start()
    done = 0
    try:
        while count := target.take(source):
            done += count
            follower.follow(count)
            progress(count)
        follower.finish()
        thread.join()
    finally:
        # After an error or a Ctrl-C, nothing may read a descriptor that the caller closes.
        follower.stop()
        thread.join()
    return follower.digest(), done


class _Follower:
    """Hashes a file while it grows: `run` in one thread, everything else in the thread that writes."""

    def __init__(self, target: CopyTarget) -> None:
        self._target = target
        self._hasher = hashlib.sha256()
        self._sizes: SimpleQueue[int] = SimpleQueue()
        self._room = threading.Condition()
        self._lead = 0
        self._stopped = False
        self._failure: OSError | None = None

    def follow(self, count: int) -> None:
        """So many bytes more are in the file. Return once the copy is not too far ahead."""
        self._sizes.put(count)
        with self._room:
            self._lead += count
            while self._lead > COPY_LEAD:
                self._room.wait()

    def finish(self) -> None:
        """No more bytes will come."""
        self._sizes.put(0)

    def stop(self) -> None:
        """Have `run` return at once."""
        self._stopped = True
        self._sizes.put(0)

    def digest(self) -> str:
        """The SHA-256 of the file, once `run` has returned; raise the OSError that it met."""
        if self._failure is not None:
            raise self._failure
        return self._hasher.hexdigest()

    def run(self) -> None:
        """Hash what `follow` told of, until `finish` or `stop`."""
        buffer = memoryview(bytearray(PIECE))
        offset = 0
        while size := self._sizes.get():
            end = offset + size
            try:
                while offset < end and not self._stopped:
                    offset += self._hash_piece(buffer[: end - offset], offset)
            except OSError as error:
                self._failure = error
                self._stopped = True
            with self._room:
                self._lead -= size
                self._room.notify()

    def _hash_piece(self, buffer: memoryview, offset: int) -> int:
        count = self._target.read_at(buffer, offset)
        self._hasher.update(buffer[:count])
        return count
