"""The one place where bytes are made to outlive a power cut.

A name is given only to bytes that are already on the disk, and a name counts only once its
directory is on the disk too. Every OSError raised from here carries the path it concerns.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Protocol

# Paths as text serve as well here: where there are 50,000, pathlib costs more than the system
# calls.
AnyPath = str | os.PathLike[str]
TEMPORARY = ".mlver-tmp-"
# Below this many files one fsync each is cheaper than flushing all that anybody else has written to
# the file system.
SYNCFS_FROM = 64
_FULL_FSYNC: int | None = getattr(fcntl, "F_FULLFSYNC", None)


def is_temporary(name: str | bytes) -> bool:
    """Whether a file of this name is a temporary of ours: with the lock held nothing needs it."""
    return os.fsencode(name).startswith(TEMPORARY.encode())


def temporary_name() -> str:
    """A new name for a file that nobody may rely on yet; see `is_temporary`."""
    return TEMPORARY + os.urandom(8).hex()


@contextlib.contextmanager
def naming_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    """Name the file in the errors of calls that take a descriptor: they do not say which it is."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise type(error)(error.errno, error.strerror, os.fspath(path)) from error
        raise


def sync_descriptor(descriptor: int) -> None:
    """Everything written to this descriptor is on the disk when this returns."""
    if _FULL_FSYNC is not None:
        # macOS's fsync leaves the bytes in the drive's own cache.
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, _FULL_FSYNC)
            return
    os.fsync(descriptor)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write everything: `os.write` may write less than it was given, on a full disk or a signal."""
    rest = memoryview(data)
    while rest:
        written = os.write(descriptor, rest)
        rest = rest[written:]


def sync_directory(path: AnyPath, access: FileAccess | None = None) -> None:
    """The names in this directory, as they are now, survive a power cut when this returns."""
    with naming_errors(path):
        descriptor = (access or _PLAIN).open_file(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            sync_descriptor(descriptor)
        except OSError as error:
            # Some file systems (FUSE, SMB) have no such notion; there is nothing more to ask of
            # them.
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                raise
        finally:
            os.close(descriptor)


def sync_directories(paths: Iterable[AnyPath], *, access: FileAccess | None = None) -> None:
    """Sync each directory once, however often it is named, and many together where possible."""
    distinct = list(dict.fromkeys(os.fspath(path) for path in paths))
    if len(distinct) >= SYNCFS_FROM and _sync_file_systems(distinct, access or _PLAIN):
        return
    for path in distinct:
        sync_directory(path, access)


def make_directory(path: Path) -> None:
    """Make a directory and its parents; every parent that got a new entry is flushed."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for directory in reversed(missing):
        # Another process may make it first; its entry needs our flush all the same, for it may die
        # before its own.
        with contextlib.suppress(FileExistsError):
            directory.mkdir()
        sync_directory(directory.parent)


def write_temporary(directory: Path, data: bytes, *, mode: int = 0o666) -> Path:
    """A new file with these bytes, already on the disk, under a name that nothing relies on yet."""
    path = directory / temporary_name()
    with naming_errors(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            write_all(descriptor, data)
            # Without this flush a power cut after the rename leaves the final name on an empty
            # file.
            sync_descriptor(descriptor)
        except BaseException:
            discard_temporary(path)
            raise
        finally:
            os.close(descriptor)
    return path


def discard_temporary(path: AnyPath) -> None:
    """Remove a temporary; one that cannot be removed does no harm and is swept later."""
    with contextlib.suppress(OSError):
        os.unlink(path)  # noqa: PTH108


def claim_name(prepared: Path, path: Path) -> None:
    """Give a prepared file its name, if that is free; raises FileExistsError.

    Neither data nor directory is flushed.
    """
    try:
        # link refuses a taken name atomically, where a look followed by a rename would race another
        # process.
        os.link(prepared, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise
        # No hard links here (FAT, some network file systems): the lock alone keeps others away.
        if path.exists():
            raise FileExistsError(
                errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path)
            ) from error
        prepared.replace(path)
        return
    discard_temporary(prepared)


def write_file(path: Path, data: bytes) -> None:
    """Put these bytes at `path`.

    At every instant, and after any crash, the file holds its old bytes or these, whole.
    """
    prepared = write_temporary(path.parent, data)
    try:
        prepared.replace(path)
    except BaseException:
        discard_temporary(prepared)
        raise
    # Without this flush a power cut brings the old name back after we have said "done".
    sync_directory(path.parent)


def create_file(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Like `write_file`, but the name must be new.

    Raise FileExistsError, and change nothing, if it is taken.
    """
    prepared = write_temporary(path.parent, data, mode=mode)
    try:
        claim_name(prepared, path)
    except BaseException:
        discard_temporary(prepared)
        raise
    sync_directory(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file for good; the absence of one that is gone already is flushed all the same."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    if path.parent.is_dir():
        sync_directory(path.parent)


def sweep_temporaries(directory: Path, is_spared: Callable[[str], bool] | None = None) -> int:
    """Remove the temporaries that crashed processes left here; hold the lock when you call it.

    Those whose names are spared stay.
    """
    try:
        names = [name for name in os.listdir(directory) if is_temporary(name)]
    except (FileNotFoundError, NotADirectoryError):
        return 0
    if is_spared is not None:
        names = [name for name in names if not is_spared(name)]
    for name in names:
        discard_temporary(directory / name)
    return len(names)


class FileAccess(Protocol):
    """How files are reached: by their paths, or by descriptors of their folders."""

    def open_file(self, path: AnyPath, flags: int, mode: int = 0o666) -> int: ...

    def replace_file(self, source: AnyPath, target: AnyPath) -> None: ...


class LinkAccess(FileAccess, Protocol):
    """The same, with symlinks."""

    def make_link(self, target: str, path: AnyPath) -> None: ...


class _PlainAccess:
    """Files are reached by their paths."""

    def open_file(self, path: AnyPath, flags: int, mode: int = 0o666) -> int:
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def replace_file(self, source: AnyPath, target: AnyPath) -> None:
        # paths as text: pathlib would cost more than the call
        os.replace(source, target)  # noqa: PTH105


_PLAIN = _PlainAccess()


class ManyPaths(Protocol):
    """Paths that can be counted and gone through again, whether or not they are in memory."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[AnyPath]: ...


def sync_files(paths: ManyPaths, *, access: FileAccess = _PLAIN) -> None:
    """The bytes of all these files are on the disk when this returns."""
    if len(paths) >= SYNCFS_FROM:
        directories = {_parent_directory(path) for path in paths}
        if _sync_file_systems(directories, access):
            return
    for path in paths:
        with naming_errors(path):
            descriptor = access.open_file(path, os.O_RDONLY)
            try:
                sync_descriptor(descriptor)
            finally:
                os.close(descriptor)


def replace_group(
    pairs: Iterable[tuple[AnyPath, AnyPath]],
    *,
    also: Iterable[AnyPath] = (),
    access: FileAccess = _PLAIN,
) -> None:
    """Give many prepared files their names, replacing what was there, then flush each directory
    once.

    Pass the prepared files to `sync_files` first: then a crash leaves each target with its old or
    its new bytes, whole. `also` are further directories to flush.
    """
    parents: dict[str, None] = {}
    for prepared, target in pairs:
        access.replace_file(prepared, target)
        parents[_parent_directory(target)] = None
    sync_directories([*also, *parents], access=access)


def write_link(path: str, target: str, access: LinkAccess) -> None:
    """Put a symlink at `path`, in place of whatever file is there."""
    folder = _parent_directory(path)
    prepared = f"{folder}/{temporary_name()}"
    access.make_link(target, prepared)
    # A temporary that stays behind is swept like every other.
    access.replace_file(prepared, path)
    sync_directory(folder, access)


def _parent_directory(path: AnyPath) -> str:
    return os.path.dirname(path) or "."  # noqa: PTH120


def _sync_file_systems(directories: Iterable[AnyPath], access: FileAccess) -> bool:
    """Flush the file systems of these directories; False if this system cannot do that safely."""
    flush = _load_syncfs()
    if flush is None:
        return False
    flushed: set[int] = set()
    for directory in directories:
        with naming_errors(directory):
            descriptor = access.open_file(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                device = os.fstat(descriptor).st_dev
                if device not in flushed:
                    flush(descriptor)
                    flushed.add(device)
            finally:
                os.close(descriptor)
    return True


@cache
def _load_syncfs() -> Callable[[int], None] | None:
    """Linux's syncfs, from the first kernel (5.8) on that returns write errors; None elsewhere."""
    if sys.platform != "linux":
        return None
    numbers = os.uname().release.split("-")[0].split(".")
    release = tuple(int(number) for number in numbers[:2] if number.isdigit())
    if release < (5, 8):
        return None
    import ctypes

    try:
        call = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        return None

    def flush_file_system(descriptor: int) -> None:
        if call(descriptor) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))

    return flush_file_system
