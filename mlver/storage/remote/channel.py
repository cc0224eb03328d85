"""One session with a far end, shared by threads: frames out, and answers by number.

One session serves all threads, because to begin one takes half a second and a server lets few begin
at once. A session that ended is followed by a new one at the next call.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from mlver.storage.remote.blobs import BlobError, TransientBlobError
from mlver.storage.remote.frames import Frame, FrameError, Piece, frame_header, read_frame
from mlver.system.programs import ProgramEnded, ProgramSilent, RunningProgram

_NUMBERS = 1 << 32


class SessionEnded(TransientBlobError):
    """The far end closed the session, or it was not reached."""


class GarbledAnswer(BlobError):
    """What came from the far end is no answer."""


class FrameChannel:
    """A session. `patience` is for how many seconds the far end may be silent or take nothing."""

    def __init__(
        self,
        program: RunningProgram,
        address: str,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.program = program
        self.address = address
        self.patience = patience
        self.is_over = False
        # The first bytes that came.
        self.beginning = b""
        # Hold it to send several frames in a row.
        self.sending = threading.RLock()
        self._clock = clock
        self._moved = clock()
        self._exchanges: dict[int, queue.SimpleQueue[Frame | BlobError]] = {}
        self._end: BlobError | None = None
        self._state = threading.Lock()
        self._next_number = 1
        self._reader = threading.Thread(target=self._dispatch_answers, daemon=True)

    def start_reading(self) -> None:
        self._reader.start()

    @contextmanager
    def open_exchange(self, number: int | None = None) -> Iterator[Exchange]:
        """A request and its answers; those that come later are dropped."""
        with self._state:
            if number is None:
                number = self._next_number
                self._next_number = self._next_number % (_NUMBERS - 1) + 1
            answers: queue.SimpleQueue[Frame | BlobError] = queue.SimpleQueue()
            if self._end is not None:
                answers.put(self._end)
            self._exchanges[number] = answers
        try:
            yield Exchange(self, number, answers)
        finally:
            with self._state:
                del self._exchanges[number]

    def send_frame(self, kind: int, number: int, *pieces: Piece) -> None:
        """Send one frame; raise TransientBlobError where the far end takes nothing."""
        size = sum(len(piece) for piece in pieces)
        self._moved = self._clock()
        try:
            with self.sending:
                for piece in (frame_header(kind, number, size), *pieces):
                    self.program.write_piece(piece, self.patience)
                    self._moved = self._clock()
        except ProgramSilent:
            raise self.give_up() from None
        except ProgramEnded:
            # Its reader meets the end as well, and knows why.
            self._reader.join(self.patience)
            raise self._end or self.give_up() from None
        except BaseException:
            # A Ctrl-C within a frame: what comes next would be taken for the rest of it.
            self.give_up()
            raise

    def wait_answer(self, answers: queue.SimpleQueue[Frame | BlobError]) -> Frame:
        """The next answer of a request; raise TransientBlobError where none comes."""
        while True:
            left = self._moved + self.patience - self._clock()
            if left <= 0:
                raise self.give_up()
            with suppress(queue.Empty):
                answer = answers.get(timeout=left)
                if isinstance(answer, BlobError):
                    raise _copy_error(answer)
                return answer

    def give_up(self) -> BlobError:
        """End a session that is stuck; return the error that says so."""
        error = TransientBlobError(
            f"{self.address} sent nothing for {self.patience:g} seconds;"
            " check the network, then run the same command again"
        )
        self._end_all(error)
        self.program.kill()
        return error

    def close(self) -> int:
        """End the session; return the exit code of the program."""
        with self._state:
            self.is_over = True
        # Nobody may be writing when the number of the pipe becomes free for another file.
        with self.sending:
            code = self.program.stop()
        self._reader.join(self.patience)
        return code

    def _dispatch_answers(self) -> None:
        """Give each answer to the request that it belongs to, until the far end has no more."""
        try:
            while True:
                frame = read_frame(self._read_exactly)
                with self._state:
                    answers = self._exchanges.get(frame.number)
                    if answers is not None:
                        answers.put(frame)
        except ProgramEnded:
            complaint = self.program.complaint
            reason = f": {complaint}" if complaint else ""
            self._end_all(SessionEnded(f"the connection to {self.address} ended{reason}"))
        except FrameError as error:
            self._end_all(GarbledAnswer(f"{self.address} sent {error}, which is no answer"))
            self.program.kill()
        finally:
            self.program.close_output()

    def _read_exactly(self, size: int) -> bytearray:
        data = self.program.read_exactly(size)
        self.beginning = self.beginning or bytes(data[:16])
        self._moved = self._clock()
        return data

    def _end_all(self, error: BlobError) -> None:
        with self._state:
            self.is_over = True
            self._end = self._end or error
            for answers in self._exchanges.values():
                answers.put(self._end)


class Exchange:
    """A request under way: `number` is what its frames carry."""

    def __init__(
        self,
        channel: FrameChannel,
        number: int,
        answers: queue.SimpleQueue[Frame | BlobError],
    ) -> None:
        self.channel = channel
        self.number = number
        self._answers = answers

    def send(self, kind: int, *pieces: Piece) -> None:
        self.channel.send_frame(kind, self.number, *pieces)

    def wait(self) -> Frame:
        """The next answer."""
        return self.channel.wait_answer(self._answers)

    def has_answer(self) -> bool:
        return not self._answers.empty()


class ChannelKeeper:
    """The session of a remote, begun when it is needed first and again after it ended."""

    def __init__(self, begin_session: Callable[[], FrameChannel]) -> None:
        self._begin_session = begin_session
        self._lock = threading.Lock()
        self._channel: FrameChannel | None = None
        self._process_id = os.getpid()

    def find_channel(self) -> FrameChannel:
        """The session, which others may use as well."""
        with self._lock:
            # The pipes that a fork inherits are its parent's.
            if self._process_id != os.getpid():
                self._channel = None
                self._process_id = os.getpid()
            if self._channel is not None and self._channel.is_over:
                self._channel.close()
                self._channel = None
            if self._channel is None:
                self._channel = self._begin_session()
            return self._channel

    def close(self) -> None:
        with self._lock:
            if self._channel is not None and self._process_id == os.getpid():
                self._channel.close()
            self._channel = None


def _copy_error(error: BlobError) -> BlobError:
    """Several threads raise it, and each adds its own traceback."""
    return type(error)(error.message, hints=error.hints)
