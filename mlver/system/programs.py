"""The one place that starts `ssh`: the person's own, with their keys, agent and settings.

It is started with a list of arguments, by no shell. What it says on stderr is kept for messages.
"""

from __future__ import annotations

import fcntl
import os
import re
import select
import shlex
import subprocess
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, NamedTuple

from mlver.errors import MlverError, UsageError, printable_name

# What to run instead of `ssh`, with options in front of ours: words, for no shell reads them.
SSH_VARIABLE = "MLVER_SSH"
# ssh puts names into commands of a person's settings (`%h`, `%r`), which a shell reads
# (CVE-2023-51385), and takes one that begins with `-` for an option (CVE-2017-1000117).
_HOST = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}|[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9_.-]{1,32})?"
)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]{0,127}")
# What is kept of stderr: its end says why ssh ended.
_COMPLAINT_BYTES = 4096
_PIPE_BYTES = 1 << 20
_REAP_SECONDS = 2.0


class ProgramSilent(Exception):
    """A program took nothing from its input for too long."""


class ProgramEnded(Exception):
    """A program ended or closed its input or output."""


class SshHost(NamedTuple):
    """A machine as `ssh` knows it; without user or port, the person's settings name them."""

    name: str
    user: str | None = None
    port: int | None = None


def check_host(host: SshHost) -> SshHost:
    """Return the host; raise UsageError if ssh or a shell could take a part for something else."""
    if _HOST.fullmatch(host.name) is None:
        raise UsageError(f"{printable_name(host.name)!r} is no name or address of a host")
    if host.user is not None and _USER.fullmatch(host.user) is None:
        raise UsageError(f"{printable_name(host.user)!r} is no name of a user for ssh")
    if host.port is not None and not 0 < host.port < 1 << 16:
        raise UsageError(f"{host.port} is no port: a port is a number from 1 to 65535")
    return host


class RunningProgram:
    """A program whose input and output are pipes of ours.

    One thread may read and another one write; `kill` may be called by any.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stderr is not None
        self._process = process
        self._input = process.stdin
        self._output = process.stdout
        self._complaints = bytearray()
        self._listener = threading.Thread(
            target=_collect_tail, args=(process.stderr, self._complaints), daemon=True
        )

    def watch_output(self) -> None:
        """Set the pipes up, and begin to collect what the program says on stderr."""
        os.set_blocking(self._input.fileno(), False)
        for stream in (self._input, self._output):
            if stream is not None:
                _widen_pipe(stream.fileno())
        self._listener.start()

    @property
    def complaint(self) -> str:
        """The end of what the program said on stderr, on one line, without control characters."""
        text = bytes(self._complaints).decode(errors="replace")
        lines = (line.strip() for line in text.replace("\r", "\n").split("\n"))
        return "; ".join(printable_name(line) for line in lines if line)

    def write_piece(self, piece: bytes | bytearray | memoryview, patience: float) -> None:
        """Write all of it; raise ProgramSilent if none was taken for `patience` seconds."""
        rest = memoryview(piece)
        poller = select.poll()
        poller.register(self._input.fileno(), select.POLLOUT)
        while rest:
            try:
                rest = rest[os.write(self._input.fileno(), rest) :]
            except BlockingIOError:
                if not poller.poll(patience * 1000):
                    raise ProgramSilent from None
            except OSError as error:
                raise ProgramEnded from error

    def read_exactly(self, size: int) -> bytearray:
        """Exactly so many bytes; raise ProgramEnded where the output ends before."""
        assert self._output is not None
        buffer = bytearray(size)
        rest = memoryview(buffer)
        while rest:
            try:
                count = os.readv(self._output.fileno(), [rest])
            except OSError as error:
                raise ProgramEnded from error
            if not count:
                raise ProgramEnded
            rest = rest[count:]
        return buffer

    def wait_end(self, patience: float) -> int:
        """The exit code, once the program ended; raise ProgramSilent where it does not in time."""
        with suppress(OSError):
            self._input.close()
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            raise ProgramSilent from None

    def kill(self) -> None:
        """Kill the program; whoever reads or writes then gets ProgramEnded."""
        self._process.kill()

    def stop(self) -> int:
        """End the program, which has a moment to end by itself; return its exit code.

        Nobody reads or writes any more.
        """
        with suppress(OSError):
            self._input.close()
        try:
            code = self._process.wait(_REAP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        # A master of `ControlPersist` keeps stderr open for as long as it lives.
        self._listener.join(_REAP_SECONDS)
        if not self._listener.is_alive() and self._process.stderr is not None:
            self._process.stderr.close()
        return code

    def close_output(self) -> None:
        """Called by whoever reads, at the end."""
        if self._output is not None:
            self._output.close()


def start_ssh(host: SshHost, command: str, *, subsystem: bool = False) -> RunningProgram:
    """Start a command at a host, or one of its subsystems.

    The shell of the host reads the command: quote its words. Raise MlverError where there is no
    ssh here.
    """
    return _start_program(_list_words(host, command, subsystem=subsystem))


def run_ssh(host: SshHost, command: str, patience: float) -> tuple[int, str]:
    """Run a command at a host; return its exit code and the end of what it said on stderr.

    Raise ProgramSilent where it does not end in `patience` seconds.
    """
    program = _start_program(_list_words(host, command), keeps_output=False)
    try:
        code = program.wait_end(patience)
    finally:
        program.kill()
        program.stop()
    return code, program.complaint


def _list_words(host: SshHost, command: str, *, subsystem: bool = False) -> list[str]:
    check_host(host)
    words = [*_find_ssh(), "-T", "-o", "RemoteCommand=none"]
    if not has_terminal():
        words += ["-o", "BatchMode=yes"]
    if host.port is not None:
        words += ["-p", str(host.port)]
    if host.user is not None:
        words += ["-l", host.user]
    if subsystem:
        words.append("-s")
    return [*words, "--", host.name, command]


def has_terminal() -> bool:
    """Whether ssh can ask for a passphrase."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def _find_ssh() -> list[str]:
    chosen = os.environ.get(SSH_VARIABLE, "")
    try:
        words = shlex.split(chosen)
    except ValueError as error:
        raise UsageError(f"{SSH_VARIABLE} is no list of words: {error}") from None
    return words or ["ssh"]


def _start_program(words: Sequence[str], *, keeps_output: bool = True) -> RunningProgram:
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if keeps_output else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
    except OSError as error:
        raise MlverError(
            f"{printable_name(words[0])} could not be started: {error.strerror};"
            " install OpenSSH's client, then run the same command again",
            hint="ssh -V",
        ) from None
    program = RunningProgram(process)
    program.watch_output()
    # Whatever becomes of the owner, no ssh of ours outlives mlver.
    weakref.finalize(program, _end_process, process, os.getpid())
    return program


def _end_process(process: subprocess.Popen[bytes], owner: int) -> None:
    if os.getpid() != owner:
        # The program belongs to the process that this one was forked from.
        return
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _collect_tail(stream: IO[bytes], tail: bytearray) -> None:
    """Keep the end of what arrives."""
    with suppress(OSError, ValueError):
        while piece := os.read(stream.fileno(), _COMPLAINT_BYTES):
            tail += piece
            del tail[:-_COMPLAINT_BYTES]


def _widen_pipe(descriptor: int) -> None:
    """Let a pipe hold more, so that its two ends wait for each other less often."""
    request = getattr(fcntl, "F_SETPIPE_SZ", None)
    if request is not None:
        with suppress(OSError):
            fcntl.fcntl(descriptor, request, _PIPE_BYTES)
