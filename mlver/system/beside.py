"""Has one piece of work done by a forked process, beside this one."""

from __future__ import annotations

import gc
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from mlver.system.parallel import count_cores, delay_interrupt

# The number that comes before an answer and says how long it is.
_LENGTH = 8


@contextmanager
def run_beside(work: Callable[[], bytes | None]) -> Iterator[Callable[[], bytes | None]]:
    """Have `work` done meanwhile by a forked process; the function given waits for its result.

    None where there came none: the work said so, failed or was killed. It may close over anything;
    it should only read, for it is ended when the block is left early. Where no second process can
    be had it is done here, once asked for.
    """
    worker = _ForkedWorker()
    try:
        with delay_interrupt():
            has_started = count_cores() > 1 and worker.start_work(work)
        yield worker.read_answer if has_started else work
    finally:
        worker.end_process()


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
                # see WorkerPool.submit_batch
                warnings.simplefilter("ignore", DeprecationWarning)
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
        with open(self._source, "rb", closefd=False) as source:
            length = source.read(_LENGTH)
            answer = source.read()
        # The length proves that the answer is whole. An exit status may go to another waiter.
        if len(length) == _LENGTH and int.from_bytes(length, "big") == len(answer):
            return answer
        return None

    def end_process(self) -> None:
        """End the process, if it still runs.

        Another thread may have waited for it, and its number may be in use again.
        """
        if self._source >= 0:
            os.close(self._source)
        if self._pid is not None:
            with suppress(ChildProcessError, ProcessLookupError):
                if os.waitpid(self._pid, os.WNOHANG)[0] == 0:
                    os.kill(self._pid, signal.SIGKILL)
                    os.waitpid(self._pid, 0)
            self._pid = None


def _send_answer(work: Callable[[], bytes | None], target: int) -> NoReturn:
    """Run in the forked process: it leaves Ctrl-C to its parent, and ends with a broken pipe."""
    # what the parent left to be finalized is the parent's
    gc.disable()
    with suppress(BaseException):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        answer = work()
        if answer is not None:
            with open(target, "wb") as out:
                out.write(len(answer).to_bytes(_LENGTH, "big"))
                out.write(answer)
    os._exit(0)
