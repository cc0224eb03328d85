"""A file system that fails as disks and network mounts do; the kernel knows it as any other.

It shows a folder at a mount point. Each operation of a program that works there has a number, and
may have a fault. It takes root, `/dev/fuse`, and the packages of `locks/disk.txt`.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ctypes.util import find_library
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from tests.servers.install import NotInstallable, install_programs

_PATIENCE = 20.0
_SERVER = Path(__file__).with_name("disk_server.py")


class DiskFaultKind(Enum):
    """What happens to an operation. The last three happen to reading and writing alone."""

    REFUSED = "refused"  # an input or output error, and nothing is done
    LOST_ANSWER = "done"  # the same, but it is done
    STALE = "stale"  # a stale file handle, as NFS says
    FULL = "full"  # no space is left
    FLIPPED = "flip"  # a bit of the data is flipped
    SHORT = "short"  # half of the data is read or written, and that is told
    FORGOTTEN = "lost"  # nothing is read, or a write is acknowledged and nothing is written


@dataclass(frozen=True, slots=True)
class DiskFault:
    """A fault; a bit is flipped after so many bytes."""

    kind: DiskFaultKind
    after: int = 0


class FailingDisk:
    """A mounted folder, and what fails there; satisfies FaultInjector of the tests of remotes."""

    def __init__(self, process: subprocess.Popen[str], mount_point: Path) -> None:
        self.mount_point = mount_point
        self._process = process

    @property
    def seen(self) -> int:
        """How many operations came."""
        return self._ask({})["seen"]

    @property
    def fired(self) -> int:
        """How many faults took effect."""
        return self._ask({})["fired"]

    def reset_faults(self, faults: Mapping[int, DiskFault]) -> None:
        """Count from 0 again, with other faults."""
        wanted = {str(at): (fault.kind.value, fault.after) for at, fault in faults.items()}
        self._ask({"faults": wanted})

    def close_proxy(self) -> None:
        """Take the mount away, as a network file system goes whose server is gone."""
        subprocess.run(["umount", "--lazy", self.mount_point], capture_output=True, check=False)

    def _ask(self, request: Mapping[str, object]) -> dict[str, int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, int] = json.loads(self._process.stdout.readline())
        return answer


@cache
def why_no_disk() -> str:
    """Why none can be mounted here; empty where one can."""
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "it takes root and /dev/fuse"
    if find_library("fuse") or find_library("fuse3"):
        return ""
    try:
        install_programs("apt", "libfuse2")
    except NotInstallable as error:
        return str(error)
    return ""


@contextmanager
def mount_failing(folder: Path, mount_point: Path) -> Iterator[FailingDisk]:
    """Show a folder at a mount point until the block ends."""
    python = install_programs("pip", "disk") / "python"
    process = subprocess.Popen(
        [python, "-W", "ignore", _SERVER, folder, mount_point],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    disk = FailingDisk(process, mount_point)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not mount_point.is_mount():
            assert process.poll() is None, "the failing file system did not start"
            assert time.monotonic() < deadline, "the failing file system was not mounted"
            time.sleep(0.02)
        yield disk
    finally:
        disk.close_proxy()
        process.kill()
        process.communicate()
