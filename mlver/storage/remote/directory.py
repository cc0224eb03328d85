"""Blobs in a shared directory: a mounted disk, NFS.

Each component of a key is opened from the directory above it and never through a symlink, so that
nothing is read or written outside the directory, even where others can write to it.

The directory has a file `.mlver-store`. Where a mount is gone, there is an empty directory, and
without that file it would pass for an empty store.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from mlver.errors import UsageError, refusal_error, shell_command
from mlver.storage.remote.blobs import (
    BlobAddress,
    BlobError,
    BlobInfo,
    BlobMissing,
    BlobSource,
    BlobTooShort,
    PutOutcome,
    TransientBlobError,
    check_key,
    check_prefix,
)
from mlver.storage.remote.folders import (
    FlushFailure,
    create_blob,
    describe_blob,
    exists_in,
    last_name,
    list_folder,
    open_below,
    sweep_temporaries,
    sync_folder,
    write_temporary,
)
from mlver.system import durable

# What a network file system says while its server is away. EIO is among them: a soft mount says so.
_TRANSIENT = frozenset(
    (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN, errno.EHOSTDOWN, errno.ENOTCONN)
)
# The name begins with a dot, so that it is no key.
MARKER = ".mlver-store"
_ROOT_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO that somebody put there would wait for ever.
_BLOB_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class DirectoryBlobs:
    """Satisfies BlobStore. A mount that is gone is refused: its directory has no marker.

    Blobs of `direct_from` bytes and more are written past the system's memory, where that can be:
    it saves half of the processor's time, and then costs whoever reads them next.
    """

    root: Path
    direct_from: int = sys.maxsize

    @property
    def address(self) -> str:
        return os.fspath(self.root)

    def confirms_content(self) -> bool:
        """See BlobStore. A file system stores what it gets."""
        return False

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore. Without hard links, two that put one key at once may both create it."""
        with self._open_folders(key) as (root, folder):
            outcome = create_blob(root, folder, key, source, direct_from=self.direct_from)
            # A writer that stored it before may have died before its name was on the disk.
            sync_folder(folder)
        return outcome

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore."""
        with self._open_folders(key) as (root, folder):
            with write_temporary(root, key, source, direct_from=self.direct_from) as temporary:
                os.replace(temporary, last_name(key), src_dir_fd=root, dst_dir_fd=folder)
            sync_folder(folder)

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        with self.open_range(key, offset, size) as descriptor:
            pieces = []
            bytes_left = size
            while bytes_left:
                piece = os.pread(descriptor, bytes_left, offset + size - bytes_left)
                if not piece:
                    raise self.too_short_error(key, offset + size)
                pieces.append(piece)
                bytes_left -= len(piece)
        return b"".join(pieces)

    @contextmanager
    def open_range(self, key: str, offset: int, size: int) -> Iterator[int]:
        """A descriptor of a blob that has these bytes, for now; it raises what `get_range` does.

        So does an OSError within.
        """
        with self._open_blob(key) as descriptor:
            if size and os.fstat(descriptor).st_size < offset + size:
                raise self.too_short_error(key, offset + size)
            yield descriptor

    def too_short_error(self, key: str, end: int) -> BlobTooShort:
        """What is wrong with a blob that ends before this byte."""
        return BlobTooShort(
            f"{self.root / key} ends before byte {end};"
            " store the object again from a copy that is whole"
        )

    def stat_blob(self, key: str) -> BlobInfo:
        """See BlobStore."""
        with self._open_blob(key) as descriptor:
            return describe_blob(key, os.fstat(descriptor))

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """See BlobStore."""
        parents = check_prefix(prefix).removesuffix("/")
        with (
            suppress(BlobMissing),
            self._name_errors(parents),
            self._open_root() as root,
            open_below(root, parents) as folder,
        ):
            yield from list_folder(folder, prefix)

    def delete_blob(self, key: str) -> None:
        """See BlobStore."""
        with suppress(BlobMissing), self._open_folder(key) as folder:
            with suppress(FileNotFoundError):
                os.unlink(last_name(key), dir_fd=folder)
            sync_folder(folder)

    def sweep_leftovers(self) -> None:
        """See BlobStore."""
        # Best effort, for a directory that is read-only may have all that is to be stored.
        with self._name_errors(""), self._open_root() as root, suppress(OSError):
            sweep_temporaries(root)

    @contextmanager
    def _open_root(self) -> Iterator[int]:
        """The directory itself, which may be reached by any link."""
        descriptor = os.open(self.root, _ROOT_FLAGS)
        try:
            if not exists_in(descriptor, MARKER):
                raise BlobError(
                    f"{self.root} is no store of mlver's: it has no file {MARKER};"
                    " mount the shared directory there; only `remote add --init` makes a new store",
                    hint=shell_command("ls", "-la", self.root),
                )
            yield descriptor
        finally:
            os.close(descriptor)

    @contextmanager
    def _open_folder(self, key: str) -> Iterator[int]:
        """The folder of a key; a missing one raises BlobMissing."""
        parents = check_key(key).rpartition("/")[0]
        with (
            self._name_errors(key),
            self._open_root() as root,
            open_below(root, parents) as folder,
        ):
            yield folder

    @contextmanager
    def _open_folders(self, key: str) -> Iterator[tuple[int, int]]:
        """The directory itself and the folder of a key, which is made if it is missing."""
        parents = check_key(key).rpartition("/")[0]
        with (
            self._name_errors(key),
            self._open_root() as root,
            open_below(root, parents, make=True) as folder,
        ):
            yield root, folder

    @contextmanager
    def _open_blob(self, key: str) -> Iterator[int]:
        """A descriptor of a blob, for reading."""
        with self._open_folder(key) as folder:
            descriptor = os.open(last_name(key), _BLOB_FLAGS, dir_fd=folder)
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
                f"the shared directory {self.root} does not exist; is it mounted?",
                hint=shell_command("ls", "-la", self.root.parent),
            )
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            return BlobError(
                f"{path} is no file or folder of the shared directory itself", hint=look
            )
        error.filename, error.filename2 = os.fspath(path), None
        refusal = refusal_error("using the shared directory", error, outcome="")
        may_pass = error.errno in _TRANSIENT and not isinstance(error, FlushFailure)
        kind = TransientBlobError if may_pass else BlobError
        return kind(refusal.message, hints=refusal.hints)


def init_directory(root: Path) -> None:
    """Make a directory a store of blobs, durably. One that is a store already stays as it is."""
    try:
        durable.make_directory(root)
        with suppress(FileExistsError):
            durable.create_file(root / MARKER, b"")
    except OSError as error:
        raise refusal_error("making a store in the shared directory", error) from error


def open_directory(address: BlobAddress) -> DirectoryBlobs:
    """The back-end for a path, as it is typed, or for a `file://` address."""
    folder_path = _read_file_url(address) if address.scheme else address.rest
    if not folder_path:
        raise UsageError(f"the address {address.text!r} names no directory; name its path")
    try:
        usable = b"\0" not in os.fsencode(folder_path)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise UsageError(f"{address.text!r} cannot be a path; name the directory by its path")
    return DirectoryBlobs(Path(folder_path).absolute())


def _read_file_url(address: BlobAddress) -> str:
    """The path that a `file://` address stands for."""
    host, slash, path = address.rest.partition("/")
    if host not in ("", "localhost"):
        raise UsageError(
            f"{address.text} names another machine; mount the directory here, and name its path"
        )
    if "?" in path or "#" in path:
        raise UsageError(
            f"{address.text} has a query or a fragment, which no directory has;"
            " name its path, or write `?` as %3F and `#` as %23"
        )
    try:
        return os.fsdecode(unquote_to_bytes(os.fsencode(slash + path)))
    except UnicodeError as error:
        raise UsageError(
            f"{address.text!r} cannot be a path; name the directory by its path"
        ) from error
