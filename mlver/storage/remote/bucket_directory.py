"""The files below a directory, such as a network mount, read as objects of a bucket.

Nothing is read through a symlink: a listing says which bytes lie here, not where links lead.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

from mlver.errors import printable_name, refusal_error, shell_command
from mlver.records.listing import ListedObject
from mlver.storage.remote.blobs import BlobAddress, BlobError, BlobMissing, TransientBlobError
from mlver.storage.remote.buckets import ObjectPiece

_TRANSIENT = frozenset((errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EAGAIN))
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO that somebody put there would wait for ever.
_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class DirectoryReader:
    """Satisfies BucketReader."""

    root: Path
    has_index = False

    def list_objects(self) -> Iterator[ListedObject]:
        """See BucketReader. Raise BlobError for a symlink, and for what is no file."""
        with self._name_errors(""):
            root = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                yield from self._list_folder(root, "")
            finally:
                os.close(root)

    def _list_folder(self, folder: int, prefix: str) -> Iterator[ListedObject]:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            key = prefix + name
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISDIR(status.st_mode):
                below = os.open(name, _FOLDER_FLAGS, dir_fd=folder)
                try:
                    yield from self._list_folder(below, f"{key}/")
                finally:
                    os.close(below)
            elif stat.S_ISREG(status.st_mode):
                yield _describe_file(key, status)
            else:
                raise self._strange_error(key)

    def stat_object(self, key: str) -> ListedObject:
        """See BucketReader."""
        with self._open_file(key) as descriptor:
            return _describe_file(key, os.fstat(descriptor))

    def find_claim(self, listed: ListedObject) -> str | None:
        """See BucketReader. A file system claims nothing."""
        return None

    def read_piece(self, key: str, offset: int, size: int, version: str = "") -> ObjectPiece:
        """See BucketReader. Files have no versions."""
        with self._open_file(key) as descriptor:
            pieces: list[bytes] = []
            bytes_left = size
            while bytes_left:
                piece = os.pread(descriptor, bytes_left, offset + size - bytes_left)
                if not piece:
                    break
                pieces.append(piece)
                bytes_left -= len(piece)
            # looked at last: what was written meanwhile shows
            return ObjectPiece(b"".join(pieces), _describe_file(key, os.fstat(descriptor)))

    @contextmanager
    def _open_file(self, key: str) -> Iterator[int]:
        with self._name_errors(key):
            *folders, name = key.split("/")
            folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                for part in folders:
                    below = os.open(part, _FOLDER_FLAGS, dir_fd=folder)
                    above, folder = folder, below
                    os.close(above)
                descriptor = os.open(name, _FILE_FLAGS, dir_fd=folder)
            finally:
                os.close(folder)
            try:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise self._strange_error(key)
                yield descriptor
            finally:
                os.close(descriptor)

    def _strange_error(self, key: str) -> BlobError:
        path = self.root / key
        return BlobError(
            f"{printable_name(os.fspath(path))} is a symlink or no regular file, and a listing pins"
            " files only; move it away, or copy what it leads to",
            hint=shell_command("ls", "-ld", "--", path),
        )

    @contextmanager
    def _name_errors(self, key: str) -> Iterator[None]:
        path = os.fspath(self.root / key)
        try:
            yield
        except (FileNotFoundError, NotADirectoryError) as error:
            hint = shell_command("ls", "-ld", "--", self.root)
            message = f"there is no {printable_name(path)}"
            raise BlobMissing(message, hint=hint) from error
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise self._strange_error(key) from error
            refusal = refusal_error(f"reading {printable_name(path)}", error, outcome="")
            kind = TransientBlobError if error.errno in _TRANSIENT else BlobError
            raise kind(refusal.message, hints=refusal.hints) from error


def _describe_file(key: str, status: os.stat_result) -> ListedObject:
    """The times and the number of a file stand for an etag: a write changes one of them."""
    etag = f"{status.st_mtime_ns:x}-{status.st_ctime_ns:x}-{status.st_ino:x}"
    return ListedObject(key, status.st_size, etag)


def open_directory_reader(address: BlobAddress) -> DirectoryReader:
    """Open the reader of a `file://` address. Percent escapes in it are read as everywhere."""
    return DirectoryReader(Path(os.fsdecode(unquote_to_bytes(address.rest))))
