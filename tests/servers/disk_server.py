"""A file system that shows a folder, and fails where it is told to. It runs by itself:

    python tests/servers/disk_server.py FOLDER MOUNT_POINT

It needs mfusepy and libfuse (`locks/disk.txt`), which mlver's own environment has not, and imports
nothing of ours. It reads requests from stdin, a line of JSON each, and answers each with one:
`{"faults": {"3": ["refused", 0]}}` counts from 0 again, with faults at these operations, and
`{}` asks how many operations came and how many faults took effect.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

# What may fail; the other operations are no requests of the program that is tested.
COUNTED = (
    "getattr readdir open create read write truncate fsync rename link unlink mkdir rmdir chmod"
).split()
CODES = {"refused": errno.EIO, "done": errno.EIO, "stale": errno.ESTALE, "full": errno.ENOSPC}


class Faults:
    """Which operations fail, by number; kept by one thread and read by another."""

    def __init__(self) -> None:
        self.wanted: dict[str, list[Any]] = {}
        self.seen = self.fired = 0

    def take(self) -> tuple[str, int]:
        """Count an operation; its fault."""
        kind, after = self.wanted.get(str(self.seen), ("", 0))
        self.seen += 1
        return kind, after

    def defer(self, kind: str, after: int) -> None:
        """Have the next operation meet this fault."""
        self.wanted[str(self.seen)] = [kind, after]

    def answer(self, line: str) -> str:
        asked = json.loads(line)
        if "faults" in asked:
            self.wanted, self.seen, self.fired = asked["faults"], 0, 0
        return json.dumps({"seen": self.seen, "fired": self.fired})


class FailingFolder:
    """The operations of a file system, each on the folder that is shown."""

    use_ns = True

    def __init__(self, folder: str, faults: Faults, refusal: Callable[[int], Exception]) -> None:
        self._folder = folder
        self._faults = faults
        self._refusal = refusal
        for name in COUNTED:
            setattr(self, name, partial(self._perform, getattr(self, f"_{name}")))

    def _perform(self, operation: Callable[..., Any], path: str, *rest: Any) -> Any:
        kind, after = self._faults.take()
        if kind in ("flip", "short", "lost"):
            return self._spoil(kind, after, operation, path, *rest)
        if not kind:
            return operation(self._folder + path, *rest)
        self._faults.fired += 1
        if kind == "done":
            operation(self._folder + path, *rest)
        raise self._refusal(CODES[kind])

    def _spoil(
        self, kind: str, after: int, operation: Callable[..., Any], path: str, *rest: Any
    ) -> Any:
        """Change what is written or read. Another operation leaves it to the next one."""
        place = self._folder + path
        if operation not in (self._read, self._write):
            self._faults.defer(kind, after)
            return operation(place, *rest)
        if operation == self._read:
            data = operation(place, *rest)
            spoiled = _spoil_data(kind, after, data)
            self._faults.fired += spoiled != data
            return spoiled
        data, *where = rest
        spoiled = _spoil_data(kind, after, data)
        self._faults.fired += spoiled != data
        written = operation(place, spoiled, *where) if spoiled else 0
        # A short write is told; one that is lost is acknowledged.
        return len(data) if kind == "lost" else written

    # Of the operations, each does what its name says to the path itself.

    def _getattr(self, path: str, _handle: Any = None) -> dict[str, Any]:
        status = os.lstat(path)
        names = "st_mode st_nlink st_uid st_gid st_size st_ino st_blocks".split()
        found: dict[str, Any] = {name: getattr(status, name) for name in names}
        for name in ("st_atime", "st_mtime", "st_ctime"):
            found[name] = getattr(status, f"{name}_ns")
        return found

    def _readdir(self, path: str, _handle: Any) -> list[str]:
        return [".", "..", *os.listdir(path)]

    def _open(self, path: str, flags: int) -> int:
        return os.open(path, flags & ~(os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW))

    def _create(self, path: str, mode: int, *_rest: Any) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)

    def _read(self, _path: str, size: int, offset: int, handle: int) -> bytes:
        return os.pread(handle, size, offset)

    def _write(self, _path: str, data: bytes, offset: int, handle: int) -> int:
        return os.pwrite(handle, data, offset)

    def _truncate(self, path: str, length: int, _handle: Any = None) -> None:
        os.truncate(path, length)

    def _fsync(self, _path: str, _datasync: int, handle: int) -> None:
        os.fsync(handle)

    def _rename(self, old: str, new: str, *_rest: Any) -> None:
        os.rename(old, self._folder + new)  # noqa: PTH104

    def _link(self, new: str, old: str) -> None:
        os.link(self._folder + old, new)

    def _unlink(self, path: str) -> None:
        os.unlink(path)  # noqa: PTH108

    def _mkdir(self, path: str, mode: int) -> None:
        os.mkdir(path, mode)  # noqa: PTH102

    def _rmdir(self, path: str) -> None:
        os.rmdir(path)  # noqa: PTH106

    def _chmod(self, path: str, mode: int) -> None:
        os.chmod(path, mode)  # noqa: PTH101

    def release(self, _path: str, handle: int) -> None:
        os.close(handle)

    def fsyncdir(self, path: str, _datasync: int, _handle: Any) -> None:
        """A flush of a folder, which this system has no separate number for."""
        self.getattr(path)  # type: ignore[attr-defined]

    def utimens(self, path: str, times: tuple[int, int]) -> None:
        os.utime(self._folder + path, ns=times)


def _spoil_data(kind: str, after: int, data: bytes) -> bytes:
    """What becomes of data: a bit of it flipped, half of it, or nothing."""
    if kind == "lost":
        return b""
    if kind == "short":
        return data[: max(1, len(data) // 2)]
    if not data:
        return data
    place = min(after, len(data) - 1)
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


def serve_requests(faults: Faults) -> None:
    for line in sys.stdin:
        sys.stdout.write(faults.answer(line) + "\n")
        sys.stdout.flush()


def main() -> None:
    folder, mount_point = sys.argv[1:]
    fuse: Any = import_module("mfusepy")
    faults = Faults()
    threading.Thread(target=serve_requests, args=(faults,), daemon=True).start()
    # Nothing is kept in memory: each call of the program arrives here.
    fuse.FUSE(
        FailingFolder(os.path.realpath(folder), faults, fuse.FuseOSError),
        mount_point,
        foreground=True,
        nothreads=True,
        direct_io=True,
        attr_timeout=0,
        entry_timeout=0,
        negative_timeout=0,
        big_writes=True,
    )


if __name__ == "__main__":
    main()
