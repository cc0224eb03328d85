"""One run of mlver in a forked child: what it answered, which calls it made, how it ended."""

from __future__ import annotations

import ctypes
import gc
import io
import json
import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path

from mlver.cli.main import main
from tests.faults.calls import NO_FAULT, CallFault, CallTap

PATIENCE_S = 60.0
_started: set[int] = set()


@dataclass(frozen=True, slots=True)
class ChildRun:
    """`code` is None where the child was killed.

    `calls` are the labels of its mutating calls, such as `rename#3`; `sites` say, where no fault
    came, which functions of mlver made each.

    `paths` are what the calls that failed were about.
    """

    code: int | None
    out: str
    err: str
    fired: bool
    calls: tuple[str, ...]
    paths: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()

    def is_acknowledged(self, told: str = "") -> bool:
        """Whether it told the person that it is done; a kill may have come after that.

        It did by these words, or by whatever it said.
        """
        return self.code == 0 or (self.code is None and self.out != "" and told in self.out)


@dataclass(frozen=True, slots=True)
class StartedChild:
    """A child on its way; `wait` for it."""

    pid: int
    handle: int
    out: int
    err: int
    told: int

    def wait_for_end(self, patience: float = PATIENCE_S, *, orphans: bool = True) -> ChildRun:
        """Its end; a child that takes longer than `patience` seconds is killed and has code -1.

        `orphans`: the end of what it started and left running as well.
        """
        late = not select.select([self.handle], [], [], patience)[0]
        if late:
            os.kill(self.pid, signal.SIGKILL)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.handle)
        out, err, told = (
            _drain_descriptor(descriptor) for descriptor in (self.out, self.err, self.told)
        )
        _started.discard(self.pid)
        if orphans and not _started:
            _await_orphans()
        report = json.loads(told or '{"calls": [], "fired": false, "paths": [], "sites": []}')
        killed = os.WIFSIGNALED(status)
        code = -1 if late else None if killed else os.waitstatus_to_exitcode(status)
        # only the tap kills it, so its death is the proof that the fault came
        return ChildRun(
            code,
            out,
            err,
            bool(report["fired"]) or (killed and not late),
            tuple(report["calls"]),
            tuple(report["paths"]),
            tuple(report["sites"]),
        )


def adopt_orphans() -> None:
    """What killed children leave running becomes ours to wait for.

    Nothing of what is there now is collected again.
    """
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    gc.collect()
    gc.freeze()


def start_child(
    directory: Path,
    argv: tuple[str, ...],
    fault: CallFault = NO_FAULT,
    setup: Callable[[], None] | None = None,
    tap: CallTap | None = None,
) -> StartedChild:
    """Fork a child that runs `mlver ARGV…` in a directory; `setup` runs in it first.

    `tap` stands between mlver and the system; without it, one that lets the fault come does.
    """
    out, err, told = (os.memfd_create(name) for name in ("out", "err", "told"))
    pid = os.fork()
    if pid == 0:
        _run_forked(directory, argv, tap or CallTap(fault), setup, (out, err, told))
    _started.add(pid)
    return StartedChild(pid, os.pidfd_open(pid), out, err, told)


def run_child(
    directory: Path,
    argv: tuple[str, ...],
    fault: CallFault = NO_FAULT,
    setup: Callable[[], None] | None = None,
    tap: CallTap | None = None,
) -> ChildRun:
    """The same, awaited."""
    return start_child(directory, argv, fault, setup, tap).wait_for_end()


def run_in_process(directory: Path, argv: tuple[str, ...]) -> ChildRun:
    """The same in this process, which costs a third of a fork.

    It is for a command that no fault is to meet.
    """
    return call_in_process(directory, lambda: main(argv))


def call_in_process(directory: Path, work: Callable[[], int]) -> ChildRun:
    """Run a function in a directory in this process; what it returns is the exit code."""
    with (
        chdir(directory),
        io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") as out,
        io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") as err,
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = work()
        return ChildRun(code, _read_text(out), _read_text(err), False, ())


def _read_text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    assert isinstance(stream.buffer, io.BytesIO)
    return stream.buffer.getvalue().decode(errors="replace")


def _await_orphans() -> None:
    """A git that outlives its mlver finishes what it is at."""
    with suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)


def _run_forked(
    directory: Path,
    argv: tuple[str, ...],
    tap: CallTap,
    setup: Callable[[], None] | None,
    descriptors: tuple[int, int, int],
) -> None:
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(descriptors[0], 1)
        os.dup2(descriptors[1], 2)
        os.chdir(directory)
        sys.argv[1:] = argv
        gc.disable()  # it would touch, and so copy, every page shared with the parent
        if setup is not None:
            setup()
        code = 0
        if argv:
            tap.install_tap()
            code = main(argv)
        sys.stdout.flush()
        tap.end_answer()
    # the parent reports it, and nothing may run on in the child
    except BaseException as error:  # noqa: BLE001
        sys.stderr.write(f"escaped: {type(error).__name__}: {error}\n")
        code = 99
    finally:
        try:
            sys.stderr.flush()
            tap.report_call(descriptors[2])
        finally:
            os._exit(code)


def _drain_descriptor(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    data = os.pread(descriptor, size, 0)
    os.close(descriptor)
    return data.decode(errors="replace")
