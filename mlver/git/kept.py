"""Processes of git that answer many questions, kept as long as a command runs.

To start a git takes longer than most of its answers, and a command asks for a few objects at a
time. Of objects and references nothing is remembered: such a git looks for each object, and reads
each reference, when it is asked. The index it would remember, so a question about that has a git of
its own.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import IO, BinaryIO, cast

from mlver.git.process import FinishedProcess, GitProcess, check_finished, memory_file

# Every pipe holds so much. A request that fits is written whole before its answer is read, and git
# cannot wait for us while we wait for it. What is longer has a process of its own.
_PIPE_BYTES = 4096
# No object has an empty name, so the answer to one ends the answers before it.
_LAST_QUESTION = b"\n"
_LAST_ANSWER = b" missing\n"


# What is started where, with which arguments
ProcessKey = tuple[GitProcess, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class AnsweringProcess:
    """A `git cat-file --batch…` that waits for its next request.

    Ctrl-C goes to all processes of a terminal's group. This one has a group of its own, as what was
    interrupted is still to be undone or completed, with its answers. It ends when its request pipe
    is closed, and so with mlver, however that ends.
    """

    git: subprocess.Popen[bytes]
    complaints: IO[bytes]

    @classmethod
    def start_git(cls, process: GitProcess, args: Sequence[str]) -> AnsweringProcess:
        complaints = memory_file()
        try:
            git = process.start_reading(args, subprocess.PIPE, complaints, group=0)
            return cls(git, complaints)
        except BaseException:
            complaints.close()
            raise

    def send_request(self, request: bytes) -> BinaryIO:
        """Ask for what the lines of a request name; return the stream of the answers."""
        # A git that is gone answers nothing, which is what its failure is judged by.
        with suppress(BrokenPipeError):
            pipe = cast(BinaryIO, self.git.stdin)
            pipe.write(request + _LAST_QUESTION)
            pipe.flush()
        return cast(BinaryIO, self.git.stdout)

    def finish_answer(self) -> None:
        """Raise GitFailed unless all was answered, and nothing more was said."""
        if cast(BinaryIO, self.git.stdout).readline() == _LAST_ANSWER:
            return
        self.git.kill()
        code = self.git.wait() or 1
        self.complaints.seek(0)
        finished = FinishedProcess(code, b"", self.complaints.read())
        check_finished(finished, "answer `git cat-file`")

    def end_process(self) -> None:
        """End a git that changes nothing, and so has nothing to lose."""
        # A forked worker may hold the other end of its pipe, which then would not close.
        self.git.kill()
        with suppress(BrokenPipeError), self.git, self.complaints:
            pass


@dataclass(slots=True)
class ProcessShelf:
    """Where processes wait between two questions, and what is read once for each command.

    `owner` is the process that may keep some, None while no command runs: a forked worker must not
    talk into the pipes of its parent.
    """

    owner: int | None = None
    waiting: dict[ProcessKey, AnsweringProcess] = field(default_factory=dict)
    remembered: dict[ProcessKey, bytes] = field(default_factory=dict)

    def is_open(self) -> bool:
        return self.owner is not None and self.owner == os.getpid()


_shelf = ProcessShelf()


@contextmanager
def keep_processes() -> Iterator[None]:
    """Keep processes for further questions until the block ends."""
    if not _shelf.is_open():
        _shelf.waiting.clear()  # a forked process has its parent's here
    _shelf.owner = os.getpid()
    try:
        yield
    finally:
        if _shelf.is_open():
            _shelf.owner = None
            forget_answers()
            while _shelf.waiting:
                _shelf.waiting.popitem()[1].end_process()


@contextmanager
def stream_answers(process: GitProcess, args: Sequence[str], request: bytes) -> Iterator[BinaryIO]:
    """Stream what `git cat-file --batch…` says of each line of a request, as `streamed` does.

    Read all of it: git's failure is raised at the end.
    """
    if not _shelf.is_open() or len(request) >= _PIPE_BYTES or _names_index(request):
        with process.streamed(args, stdin=request) as stream:
            yield stream
        return
    key = _make_key(process, args)
    answering = _take_waiting(key) or AnsweringProcess.start_git(process, args)
    try:
        yield answering.send_request(request)
        answering.finish_answer()
    except BaseException:
        # what it still has to say would be taken for the next answer
        answering.end_process()
        raise
    _put_back(key, answering)


def _names_index(request: bytes) -> bool:
    """Say whether a line asks for a file of the index, which a git reads only once."""
    return request.startswith(b":") or b"\n:" in request


def _take_waiting(key: ProcessKey) -> AnsweringProcess | None:
    """Take one off while it answers: whoever asks in between gets another.

    None where there is none, or somebody ended it.
    """
    answering = _shelf.waiting.pop(key, None)
    if answering is None or answering.git.poll() is None:
        return answering
    answering.end_process()
    return None


def _put_back(key: ProcessKey, answering: AnsweringProcess) -> None:
    if _shelf.is_open() and key not in _shelf.waiting:
        _shelf.waiting[key] = answering
    else:
        answering.end_process()


def read_once(process: GitProcess, args: Sequence[str]) -> bytes:
    """Read what a command asks many times: git's settings. An error is an empty answer.

    It is read again for the next command, and once the lock is held.
    """
    if not _shelf.is_open():
        return process.try_read(args).out
    key = _make_key(process, args)
    answer = _shelf.remembered.get(key)
    if answer is None:  # another thread may have them forgotten at any time
        answer = _shelf.remembered[key] = process.try_read(args).out
    return answer


def forget_answers() -> None:
    """Have read again what `read_once` read: somebody may have changed it."""
    _shelf.remembered.clear()


def _make_key(process: GitProcess, args: Sequence[str]) -> ProcessKey:
    # which descriptors a git that writes holds makes no difference here
    return replace(process, keep_open=()), tuple(args)
