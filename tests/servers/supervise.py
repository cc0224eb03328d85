"""Runs a server until the tests that started it are over: `supervise.py OWNER FOLDER COMMAND…`.

It watches the process OWNER, so the server ends with a run of tests that was killed as well. Then
its folder goes. The folder of a server that ended by itself stays, with what it said in `log`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

_LOOK_EVERY = 0.2  # seconds
_GRACE = 5.0  # seconds that a server has to end by itself


class _Ended(Exception):
    """Somebody asks this process to end."""


def run_until_over(owner: int, folder: Path, command: list[str]) -> int:
    """The exit code: that of the server, if it ended first."""
    signal.signal(signal.SIGTERM, _end_now)
    # A group of its own: servers start others.
    server = subprocess.Popen(command, cwd=folder, start_new_session=True)
    code = None
    with suppress(_Ended):
        while (code := server.poll()) is None and is_alive(owner):
            time.sleep(_LOOK_EVERY)
    if code is not None:
        return code
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _stop_group(server)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def is_alive(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _end_now(_number: int, _frame: FrameType | None) -> None:
    raise _Ended


def _stop_group(server: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        server.wait(_GRACE)
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()


if __name__ == "__main__":
    sys.exit(run_until_over(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
