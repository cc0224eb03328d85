"""Every mutating call of ours, counted and named, with one fault at one of them.

A call is named by what it does and which of its kind it is, in the main process: `rename#3`,
`git-commit#1`.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import fcntl
import io
import json
import os
import signal
import stat
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import git.cmd

from mlver.system import durable
from mlver.system.state import StateDatabase
from tests.faults.disk import DurableDisk
from tests.faults.sampling import find_site
from tests.faults.written import WRITES, halve_data, open_counted

_NAMES = {"replace": "rename", "remove": "unlink"}
_CALLS = (
    "open write writev pwrite copy_file_range fsync fdatasync ftruncate truncate fchmod chmod link"
    " symlink rename"
    " replace unlink remove mkdir rmdir utime"
).split()
# git's own calls that change something; `when` counts them by process, and each git is one process.
GIT_CALLS = ("rename", "link", "unlink", "mkdir", "rmdir", "write", "fsync")
_TRANSFERS = ("fetch", "ls-remote", "push")
SLOW_US = 120_000
DATA = frozenset(("write", "writev", "pwrite", "copy_file_range"))
# What still works on a disk that is full, or that fails: names can go, and be given to what is
# there.
_FREE = frozenset(
    (
        "unlink",
        "rmdir",
        "ftruncate",
        "fchmod",
        "chmod",
        "utime",
        "flock",
        "fsync",
        "fdatasync",
        "rename",
    )
)
# The report goes out by the call itself, whatever was made of its name by then.
_tell = os.pwrite
_OURS = frozenset(("flock", "state"))


@dataclass(frozen=True, slots=True)
class CallFault:
    """What happens at the call `at`, such as `rename#3`.

    how: `before`, `after` (killed there), `torn` (killed with half of the data written), `short`
    (half is written and said so), `starved` (killed when git has started and was not given its
    input yet), `delay` (sleeps `code` milliseconds before), `once` or `on` (fails with errno
    `code`, there or from there on), `git` (git is killed at its own system call `detail`, such as
    `rename:2`, and with `:all` so is mlver), `slow` (mlver is killed while git waits at that call),
    `power` (the file system of `place` goes down), `unsynced` (only what was synced is left, in
    `place`), `unwritten` (all names are left, and only the data that was synced), `trace` (the own
    calls of every git are written to a file in `place` that has its name), `record` (nothing).
    """

    at: str
    how: str
    code: int = 0
    detail: str = ""
    place: str = ""

    def __str__(self) -> str:
        which = f"-{errno.errorcode[self.code]}" if self.how in ("once", "on") else ""
        return f"{self.at}:{self.how}{which}" + (f":{self.detail}" if self.detail else "")


NO_FAULT = CallFault("", "record")


class CallTap:
    """Stands between mlver and the system in a forked child."""

    def __init__(self, fault: CallFault) -> None:
        self.fault = fault
        self.fired = False
        self.calls: list[str] = []
        self.sites: list[str] = []
        self.paths: list[str] = []
        self._counts: Counter[str] = Counter()
        self._process = 0
        self._asking = False
        self._disk: DurableDisk | None = None

    def install_tap(self) -> None:
        self._process = os.getpid()
        if self.fault.how in ("unsynced", "unwritten"):
            self._disk = DurableDisk(Path.cwd())
        for name in _CALLS:
            setattr(
                os, name, partial(self._intercept_call, _NAMES.get(name, name), getattr(os, name))
            )
        fcntl.flock = partial(self._intercept_call, "flock", fcntl.flock)
        subprocess.run = partial(self._intercept_git, subprocess.run)
        git.cmd.safer_popen = partial(self._git_of_gitpython, git.cmd.safer_popen)
        builtins.open = io.open = partial(open_counted, self._intercept_call, io.open)
        told = StateDatabase._write_rows

        def tell(state: StateDatabase, changes: Any) -> None:
            self._intercept_call("state", partial(told, state), changes)

        StateDatabase._write_rows = tell  # type: ignore[method-assign, assignment]
        flush = durable._load_syncfs()
        if flush is not None:
            counted = partial(self._intercept_call, "syncfs", flush)
            durable._load_syncfs = lambda: counted  # type: ignore[assignment]

    def end_answer(self) -> None:
        """The command has told its answer; a power cut may come at any time from here on."""
        if self.fault.at == "end":
            self.fired = True
            if self._disk is not None:
                self._disk.dump_to(Path(self.fault.place), names=self.fault.how == "unwritten")

    def report_call(self, descriptor: int) -> None:
        report = {
            "calls": self.calls,
            "sites": self.sites,
            "fired": self.fired,
            "paths": self.paths,
        }
        _tell(descriptor, json.dumps(report).encode(), 0)

    def _intercept_git(self, real: Callable[..., Any], command: list[str], **options: Any) -> Any:
        if command[0] != "git" or "--no-optional-locks" in command:
            # what goes down the pipe to a git that only reads changes nothing
            self._asking = True
            try:
                return real(command, **options)
            finally:
                self._asking = False
        return self._intercept_call(f"git-{git_verb(command)}", real, command, **options)

    def _git_of_gitpython(
        self, real: Callable[..., Any], command: list[str], **options: Any
    ) -> Any:
        """GitPython's runner starts git and reads on: here git ends first, as it does in ours."""

        def run(command: list[str], **options: Any) -> Any:
            process = real(command, **options)
            if self.fired and self.fault.how == "starved":
                _die_now()
            process.wait()
            return process

        name = git_verb(command)
        return (
            run(command, **options)
            if name == "version"
            else self._intercept_call(f"git-{name}", run, command, **options)
        )

    def _intercept_call(
        self, name: str, real: Callable[..., Any], *args: Any, **options: Any
    ) -> Any:
        if (
            self._asking
            or os.getpid() != self._process
            or (name == "open" and not args[1] & WRITES)
        ):
            return real(*args, **options)
        if name in DATA and _is_pipe(args[0]):
            return real(*args, **options)
        self._counts[name] += 1
        label = f"{name}#{self._counts[name]}"
        self.calls.append(label)
        if self.fault.how == "record":
            self.sites.append(find_site())
        if label == self.fault.at:
            self.fired = True
            return self._inject_fault(name, real, args, options)
        if self.fired and self.fault.how == "on" and self._is_failing(name):
            self._raise_failure(name, args, options)
        if self.fault.how == "trace" and name.startswith("git-"):
            return self._run_inside_git(real, args[0], options, f"{self.fault.place}/{label}")
        done = self._make_call(label, real, args, options)
        if self._disk is not None:
            self._disk.note_call(name, args)
        return done

    def _make_call(
        self, label: str, real: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        """The call itself, where no fault meets it."""
        return real(*args, **options)

    def _inject_fault(
        self, name: str, real: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        how = self.fault.how
        self._begin_fault(how)
        if how in ("torn", "short"):
            done = (
                os.pwrite(*halve_data(name, args))
                if name == "pwrite"
                else real(*halve_data(name, args))
            )
            if how == "torn":
                _die_now()
            return done
        if how in ("once", "on"):
            self._raise_failure(name, args, options)
        if how in ("git", "slow"):
            return self._run_inside_git(real, args[0], options)
        if how in ("unsynced", "unwritten"):
            assert self._disk is not None
            self._disk.dump_to(Path(self.fault.place), names=self.fault.how == "unwritten")
            _die_now()
        if how == "power":
            shut_down_mount(Path(self.fault.place))
            _die_now()
        try:
            return real(*args, **options)
        finally:
            if how == "after":
                _die_now()

    def _begin_fault(self, how: str) -> None:
        """What comes before the call."""
        if how == "before":
            _die_now()
        if how == "starved":
            subprocess.Popen.communicate = _die_now  # type: ignore[assignment, method-assign]
        if how == "delay":
            time.sleep(self.fault.code / 1000)

    def _run_inside_git(
        self,
        real: Callable[..., Any],
        command: list[str],
        options: dict[str, Any],
        log: str = os.devnull,
    ) -> Any:
        """A git that strace kills, holds up or only watches."""
        call, _, rest = self.fault.detail.partition(":")
        number, _, who = rest.partition(":")
        how = {
            "git": [f"inject={call}:signal=KILL:when={number}"],
            "slow": [f"inject={call}:delay_enter={SLOW_US}:when={number}"],
            "trace": [],
        }[self.fault.how]
        # these run the other side's git as well, whose calls are not counted and whose locks are
        # not ours
        followed = [] if git_verb(command) in _TRANSFERS else ["-f"]
        watched = ["strace", *followed, "-qq", "-o", log, "-e", f"trace={','.join(GIT_CALLS)}"]
        whole = [*watched, *(part for one in how for part in ("-e", one)), *command]
        if self.fault.how == "slow":
            _die_later(SLOW_US / 2e6)
        done = real(whole, **options)
        self.fired = done.returncode == -signal.SIGKILL
        if self.fired and who == "all":
            _die_now()
        return done

    def _is_failing(self, name: str) -> bool:
        """Whether a lasting fault fails this call as well."""
        if name in _OURS or name.startswith("git-"):
            return False
        return self.fault.code in (errno.EROFS, errno.EACCES) or name not in _FREE

    def _raise_failure(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        code = self.fault.code
        # of the two descriptors of a copy, the second is the one that is written
        subjects = args[1:] if name == "copy_file_range" else args
        self.paths += _list_subjects(subjects, options)
        told = [os.fspath(path) for path in args[:2] if isinstance(path, str | os.PathLike)]
        raise OSError(
            code, os.strerror(code), *[part for path in told for part in (path, None)][:3]
        )


def git_verb(command: list[str]) -> str:
    """The git command: the first word that is neither an option nor the value of one."""
    words = iter(command[1:])
    for word in words:
        if word == "-c":
            next(words)
        elif not word.startswith("-"):
            return word
    return "git"


def _list_subjects(args: tuple[Any, ...], options: dict[str, Any]) -> list[str]:
    """The paths a call is about; none where it has none."""
    first = options.get("dir_fd", options.get("src_dir_fd"))
    folders = (first, options.get("dst_dir_fd", first))
    paths = []
    for path, folder in zip(args, folders, strict=False):
        if isinstance(path, str | os.PathLike):
            base = "" if folder is None else os.readlink(f"/proc/self/fd/{folder}")  # noqa: PTH115
            paths.append(os.path.join(base, os.fsdecode(path)))  # noqa: PTH118
    if not paths and args and isinstance(args[0], int):
        with contextlib.suppress(OSError):
            paths = [os.readlink(f"/proc/self/fd/{args[0]}")]  # noqa: PTH115
    return [os.path.abspath(path) for path in paths]  # noqa: PTH100


def _is_pipe(descriptor: object) -> bool:
    """What goes to another process is no change on the disk."""
    return isinstance(descriptor, int) and stat.S_ISFIFO(os.fstat(descriptor).st_mode)


def is_data(label: str) -> bool:
    return label.partition("#")[0] in DATA


def _die_later(seconds: float) -> None:
    """Die in a moment, whatever the main thread waits for then."""
    signal.signal(signal.SIGALRM, lambda *_: _die_now())
    signal.setitimer(signal.ITIMER_REAL, seconds)


def shut_down_mount(mount: Path) -> None:
    """EXT4_IOC_SHUTDOWN, XFS_IOC_GOINGDOWN: the file system stops, and nothing more reaches its
    disk.
    """
    descriptor = os.open(mount, os.O_RDONLY)
    fcntl.ioctl(descriptor, 0x8004587D, (2).to_bytes(4, "little"))
    os.close(descriptor)


def _die_now(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)
