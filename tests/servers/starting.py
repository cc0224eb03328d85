"""Starts a server once for a run of tests, however many processes run them, and ends it with it.

What a server's file has is a function `start_NAME(folder) -> RunningServer` made of the parts here.
The process that asks first starts it; the others read where it is from a file beside it.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

from tests.servers.install import NotInstallable
from tests.servers.supervise import is_alive

_PATIENCE = 60.0  # seconds that most servers have to begin to answer
_ATTEMPTS = 3


class ServerFailed(Exception):
    """A server did not start: its command, and the end of what it said."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers.

    `address` and `options` are what mlver takes, `environment` what it needs besides, such as
    credentials. `pid` is of the process that watches over the server. `port` is on 127.0.0.1.
    """

    address: str
    port: int
    pid: int
    options: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def stop_server(self) -> None:
        """End it before the run of tests ends, and wait until it has."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + 10
        while is_alive(self.pid) and time.monotonic() < deadline:
            with suppress(ChildProcessError):
                os.waitpid(self.pid, os.WNOHANG)
            time.sleep(0.02)


Start = Callable[[Path], RunningServer]


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of this run of tests. `shared` is a folder that all its processes have."""

    shared: Path

    def share_server(self, name: str, start: Start) -> RunningServer:
        """The server of this name, which the first that asks has started.

        Skips the test, and says so, where it cannot be installed.
        """
        self.shared.mkdir(parents=True, exist_ok=True)
        state = self.shared / f"{name}.json"
        missing = self.shared / f"{name}.missing"
        with (self.shared / f"{name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if missing.exists():
                _skip_loudly(name, missing.read_text())
            if state.exists():
                server = RunningServer(**json.loads(state.read_text()))
                if is_listening(server.port):
                    return server
            try:
                server = self._start_anew(name, start)
            except NotInstallable as error:
                missing.write_text(str(error))
                _skip_loudly(name, str(error))
            state.write_text(json.dumps(asdict(server)))
            return server

    def _start_anew(self, name: str, start: Start) -> RunningServer:
        """Another process may take a port that was free: then try with others."""
        for _ in range(_ATTEMPTS - 1):
            with suppress(ServerFailed):
                return start(Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.shared)))
        return start(Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.shared)))


def _skip_loudly(name: str, reason: str) -> NoReturn:
    pytest.skip(f"NOT TESTED: {name} cannot be installed here: {reason}")


def start_process(
    command: Sequence[str | Path],
    folder: Path,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    patience: float = _PATIENCE,
) -> int:
    """Start a server in its folder and wait until it is ready; the process that watches over it.

    It ends with the run of tests. What it says goes to the file `log` in the folder.
    Raises ServerFailed.
    """
    words = [str(word) for word in command]
    watcher = Path(__file__).with_name("supervise.py")
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, watcher, str(_find_owner()), folder, *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    deadline = time.monotonic() + patience
    while process.poll() is None and time.monotonic() < deadline:
        if is_ready():
            # It ends after this process, which therefore never waits for it.
            process.returncode = 0
            return process.pid
        time.sleep(0.05)
    process.terminate()
    process.wait()
    said = ""
    with suppress(FileNotFoundError):
        said = (folder / "log").read_bytes()[-2000:].decode(errors="replace")
    raise ServerFailed(f"{' '.join(words)} did not start:\n{said}")


def find_ports(count: int) -> list[int]:
    """So many ports of 127.0.0.1 that nobody uses now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def is_listening(port: int) -> bool:
    """Whether somebody answers at a port of 127.0.0.1."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False


def find_shared_folder(base: Path) -> Path:
    """The folder for servers, given the base of the temporary folders of this process."""
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "servers"


def _find_owner() -> int:
    """The process with which the run of tests ends. Workers are its children."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
