"""Blobs in folders of a shared directory that are open: each is known by its descriptor.

`directory.py` opens the directory itself and words what the operating system refuses.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

from mlver.storage.remote.blobs import BlobInfo, BlobSource, PutOutcome, is_key, read_pieces
from mlver.system import durable
from mlver.system.copying import FlushingWriter

# What a file system says that has no such call or notion: exFAT, CIFS, sshfs.
_UNSUPPORTED = frozenset((errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK))
# Nothing is written for so long without a byte of it getting there.
LEFTOVER_AGE = timedelta(days=1)
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class FlushFailure(OSError):
    """What was written may never reach the disk.

    Linux says so once. A second flush would succeed and prove nothing, so none is tried.
    """


@contextmanager
def open_below(root: int, parents: str, *, make: bool = False) -> Iterator[int]:
    """A descriptor of a folder below the root."""
    descriptor = os.dup(root)
    try:
        for folder_name in filter(None, parents.split("/")):
            if make and not exists_in(descriptor, folder_name):
                _make_folder(descriptor, folder_name)
            below = os.open(folder_name, _FOLDER_FLAGS, dir_fd=descriptor)
            # Even a close that fails has closed: its number may be another file's by then.
            above, descriptor = descriptor, below
            os.close(above)
        yield descriptor
    finally:
        os.close(descriptor)


def _make_folder(parent: int, name: str) -> None:
    # Another process may make it first; its entry needs our flush all the same.
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
        # Whoever may write to the store may write here, too, whatever this user's umask is.
        with suppress(OSError):
            mode = stat.S_IMODE(os.fstat(parent).st_mode) & 0o2777
            os.chmod(name, mode, dir_fd=parent)
    try:
        sync_folder(parent)
    except OSError:
        # Where it stayed, the next attempt would take it for one that is on the disk.
        with suppress(OSError):
            os.rmdir(name, dir_fd=parent)
        raise


def create_blob(
    root: int, folder: int, key: str, source: BlobSource, *, direct_from: int
) -> PutOutcome:
    """Write a new blob and give it its name, if that is free; the name is not flushed.

    See `write_temporary`.
    """
    file_name = last_name(key)
    if exists_in(folder, file_name):
        return PutOutcome.ALREADY_THERE
    with write_temporary(root, key, source, direct_from=direct_from) as temporary:
        try:
            os.link(temporary, file_name, src_dir_fd=root, dst_dir_fd=folder)
        except FileExistsError:
            # NFS may repeat a request whose answer was lost, and then refuse its own name.
            if not _are_same_file((root, temporary), (folder, file_name)):
                return PutOutcome.ALREADY_THERE
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            # No hard links here. Two that meet store the same bytes, for their key is a digest.
            if exists_in(folder, file_name):
                return PutOutcome.ALREADY_THERE
            os.replace(temporary, file_name, src_dir_fd=root, dst_dir_fd=folder)
    return PutOutcome.CREATED


@contextmanager
def write_temporary(root: int, key: str, source: BlobSource, *, direct_from: int) -> Iterator[str]:
    """A new file with all bytes of a source, on the disk already; it is removed afterwards.

    With so many bytes or more it is written past the system's memory, where that can be.
    """
    temporary_name = durable.temporary_name()
    descriptor = os.open(temporary_name, _NEW_FLAGS, 0o666, dir_fd=root)
    try:
        try:
            writer = FlushingWriter(descriptor, temporary_name)
            writer.expect_bytes(source.size, direct_from)
            for piece in read_pieces(key, source):
                writer.write(memoryview(piece))
            _forbid_writing(descriptor)
            # Without this flush a power cut after the link leaves the key on an empty file.
            _flush_descriptor(descriptor)
        finally:
            os.close(descriptor)
        yield temporary_name
    finally:
        # One that cannot be removed does no harm: it is no key, so nobody lists it.
        with suppress(OSError):
            os.unlink(temporary_name, dir_fd=root)


def _forbid_writing(descriptor: int) -> None:
    """A blob never changes: where modes exist, they say so to somebody who tries it by hand."""
    mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
    try:
        os.fchmod(descriptor, mode & 0o555)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def sweep_temporaries(root: int) -> None:
    """Remove the temporaries that are a day old by the clock that gives files their times."""
    probe_name = durable.temporary_name()
    probe = os.open(probe_name, _NEW_FLAGS, 0o666, dir_fd=root)
    try:
        now = os.fstat(probe).st_mtime
    finally:
        os.close(probe)
        os.unlink(probe_name, dir_fd=root)
    for name in filter(durable.is_temporary, os.listdir(root)):
        # Another process may remove it first.
        with suppress(OSError):
            written = os.stat(name, dir_fd=root, follow_symlinks=False).st_mtime
            if now - written > LEFTOVER_AGE.total_seconds():
                os.unlink(name, dir_fd=root)


def list_folder(folder: int, prefix: str) -> Iterator[BlobInfo]:
    """The blobs of an open folder and those below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            key = prefix + entry.name
            # It may be deleted while it is listed.
            with suppress(FileNotFoundError):
                if not is_key(key):
                    continue
                if entry.is_file(follow_symlinks=False):
                    yield describe_blob(key, entry.stat(follow_symlinks=False))
                elif entry.is_dir(follow_symlinks=False):
                    yield from _list_below(folder, entry.name, f"{key}/")


def _list_below(folder: int, name: str, prefix: str) -> Iterator[BlobInfo]:
    descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
    try:
        yield from list_folder(descriptor, prefix)
    finally:
        os.close(descriptor)


def describe_blob(key: str, status: os.stat_result) -> BlobInfo:
    return BlobInfo(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def last_name(key: str) -> str:
    """What a blob is called in its folder."""
    return key.rpartition("/")[2]


def exists_in(folder: int, name: str) -> bool:
    """Whether a folder has this name, be it a dangling link."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _are_same_file(first: tuple[int, str], second: tuple[int, str]) -> bool:
    """Whether two names, each with its folder, are of one file."""
    first_status = os.stat(first[1], dir_fd=first[0], follow_symlinks=False)
    second_status = os.stat(second[1], dir_fd=second[0], follow_symlinks=False)
    return os.path.samestat(first_status, second_status)


def sync_folder(folder: int) -> None:
    """The names in the folder, as they are now, survive a power cut when this returns."""
    try:
        _flush_descriptor(folder)
    except OSError as error:
        # Some file systems have no such notion; there is nothing more to ask of them.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise


def _flush_descriptor(descriptor: int) -> None:
    try:
        durable.sync_descriptor(descriptor)
    except OSError as error:
        raise FlushFailure(error.errno, error.strerror) from error
