"""Blobs in a shared directory: a mounted disk, NFS.

Each component of a key is opened from the directory above it and never through a symlink, so that
nothing is read or written outside the directory, whoever else can write to it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlver.errors import UsageError, refusal_error, shell_command
from mlver.storage.remote.blobs import (
    BlobError,
    BlobInfo,
    BlobMissing,
    BlobSource,
    BlobTooShort,
    PutOutcome,
    TransientBlobError,
    check_key,
    check_prefix,
    is_key,
    read_pieces,
)
from mlver.system import durable

# What a network file system says while its server is away. EIO is among them: a soft mount says so.
_TRANSIENT = frozenset(
    (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTDOWN, errno.ENOTCONN)
)
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO that somebody put there would wait for ever.
_BLOB_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class DirectoryBlobs:
    """Satisfies BlobStore. The directory has to be there: a mount that is gone is never filled."""

    root: Path

    @property
    def address(self) -> str:
        return os.fspath(self.root)

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore."""
        with self._open_folder(key, make=True) as folder:
            outcome = _create_blob(folder, key, source)
            # Whoever stored a blob that is there may have died before its name was on the disk.
            _sync_folder(folder)
        return outcome

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore."""
        with self._open_folder(key, make=True) as folder:
            with _write_temporary(folder, key, source) as temporary:
                os.replace(temporary, _last_name(key), src_dir_fd=folder, dst_dir_fd=folder)
            _sync_folder(folder)

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        with self._open_blob(key) as descriptor:
            pieces = []
            bytes_left = size
            while bytes_left:
                piece = os.pread(descriptor, bytes_left, offset + size - bytes_left)
                if not piece:
                    raise BlobTooShort(
                        f"{self.root / key} ends before byte {offset + size};"
                        " store the object again from a copy that is whole"
                    )
                pieces.append(piece)
                bytes_left -= len(piece)
        return b"".join(pieces)

    def stat_blob(self, key: str) -> BlobInfo:
        """See BlobStore."""
        with self._open_blob(key) as descriptor:
            return _describe_blob(key, os.fstat(descriptor))

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """See BlobStore."""
        parents = check_prefix(prefix).removesuffix("/")
        with (
            suppress(BlobMissing),
            self._name_errors(parents),
            _open_directory(self.root, parents) as folder,
        ):
            yield from _list_folder(folder, prefix)

    def delete_blob(self, key: str) -> None:
        """See BlobStore."""
        with suppress(BlobMissing), self._open_folder(key) as folder:
            with suppress(FileNotFoundError):
                os.unlink(_last_name(key), dir_fd=folder)
            _sync_folder(folder)

    @contextmanager
    def _open_folder(self, key: str, *, make: bool = False) -> Iterator[int]:
        """The folder of a key; a missing one is made, or raises BlobMissing."""
        parents = check_key(key).rpartition("/")[0]
        with self._name_errors(key), _open_directory(self.root, parents, make=make) as folder:
            yield folder

    @contextmanager
    def _open_blob(self, key: str) -> Iterator[int]:
        """A descriptor of a blob, for reading."""
        with self._open_folder(key) as folder:
            descriptor = os.open(_last_name(key), _BLOB_FLAGS, dir_fd=folder)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise OSError(errno.ENOTDIR, "not a file")
                yield descriptor
            finally:
                os.close(descriptor)

    @contextmanager
    def _name_errors(self, key: str) -> Iterator[None]:
        """Give the errors of the operating system their kind, and the path they concern."""
        blob_path = self.root / key
        try:
            yield
        except OSError as error:
            raise self._blob_error(blob_path, error) from error

    def _blob_error(self, path: Path, error: OSError) -> BlobError:
        """The error of a blob that stands for one of the operating system."""
        look = shell_command("ls", "-ld", path)
        if error.errno == errno.ENOENT:
            if self.root.is_dir():
                return BlobMissing(f"{path} does not exist", hint=look)
            return BlobError(
                f"the shared directory {self.root} does not exist; mount it, or make it",
                hint=shell_command("mkdir", "-p", self.root),
            )
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            return BlobError(
                f"{path} is no file or folder of the shared directory itself", hint=look
            )
        error.filename, error.filename2 = os.fspath(path), None
        refusal = refusal_error("using the shared directory", error)
        kind = TransientBlobError if error.errno in _TRANSIENT else BlobError
        return kind(refusal.message, hints=refusal.hints)


def open_directory(address: str) -> DirectoryBlobs:
    """The back-end for a path, as it is typed, or for a `file://` address."""
    folder_path = address
    if address.startswith("file:"):
        url = urlsplit(address)
        if url.netloc not in ("", "localhost"):
            raise UsageError(
                f"{address} names another machine; mount the directory here, and name its path"
            )
        folder_path = unquote(url.path)
    return DirectoryBlobs(Path(folder_path).absolute())


@contextmanager
def _open_directory(root: Path, parents: str, *, make: bool = False) -> Iterator[int]:
    """A descriptor of a folder below the root. The root itself may be reached by any link."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder_name in filter(None, parents.split("/")):
            if make and not _exists_in(descriptor, folder_name):
                # Another process may make it first; its entry needs our flush all the same.
                with suppress(FileExistsError):
                    os.mkdir(folder_name, dir_fd=descriptor)
                _sync_folder(descriptor)
            below = os.open(folder_name, _FOLDER_FLAGS, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def _create_blob(folder: int, key: str, source: BlobSource) -> PutOutcome:
    """Write a new blob and give it its name, if that is free; the name is not flushed."""
    file_name = _last_name(key)
    if _exists_in(folder, file_name):
        return PutOutcome.ALREADY_THERE
    with _write_temporary(folder, key, source) as temporary:
        try:
            os.link(temporary, file_name, src_dir_fd=folder, dst_dir_fd=folder)
        except FileExistsError:
            # NFS may repeat a request whose answer was lost, and then refuse its own name.
            if not _are_same_file(folder, temporary, file_name):
                return PutOutcome.ALREADY_THERE
    return PutOutcome.CREATED


@contextmanager
def _write_temporary(folder: int, key: str, source: BlobSource) -> Iterator[str]:
    """A new file with all bytes of a source, on the disk already; it is removed afterwards."""
    temporary_name = durable.temporary_name()
    descriptor = os.open(temporary_name, _NEW_FLAGS, 0o666, dir_fd=folder)
    try:
        try:
            for piece in read_pieces(key, source):
                durable.write_all(descriptor, piece)
            # A blob never changes, and whoever tries that by hand is told so.
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            os.fchmod(descriptor, mode & 0o555)
            # Without this flush a power cut after the link leaves the key on an empty file.
            durable.sync_descriptor(descriptor)
        finally:
            os.close(descriptor)
        yield temporary_name
    finally:
        # One that cannot be removed does no harm: it is no key, so nobody lists it.
        with suppress(OSError):
            os.unlink(temporary_name, dir_fd=folder)


def _list_folder(folder: int, prefix: str) -> Iterator[BlobInfo]:
    """The blobs of an open folder and those below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            key = prefix + entry.name
            # It may be deleted while it is listed.
            with suppress(FileNotFoundError):
                if not is_key(key):
                    continue
                if entry.is_file(follow_symlinks=False):
                    yield _describe_blob(key, entry.stat(follow_symlinks=False))
                elif entry.is_dir(follow_symlinks=False):
                    yield from _list_below(folder, entry.name, f"{key}/")


def _list_below(folder: int, name: str, prefix: str) -> Iterator[BlobInfo]:
    descriptor = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
    try:
        yield from _list_folder(descriptor, prefix)
    finally:
        os.close(descriptor)


def _describe_blob(key: str, status: os.stat_result) -> BlobInfo:
    return BlobInfo(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _last_name(key: str) -> str:
    """What a blob is called in its folder."""
    return key.rpartition("/")[2]


def _exists_in(folder: int, name: str) -> bool:
    """Whether a folder has this name, be it a dangling link."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _are_same_file(folder: int, name: str, other: str) -> bool:
    first = os.stat(name, dir_fd=folder, follow_symlinks=False)
    second = os.stat(other, dir_fd=folder, follow_symlinks=False)
    return (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino)


def _sync_folder(folder: int) -> None:
    """The names in the folder, as they are now, survive a power cut when this returns."""
    try:
        durable.sync_descriptor(folder)
    except OSError as error:
        # Some file systems have no such notion; there is nothing more to ask of them.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
