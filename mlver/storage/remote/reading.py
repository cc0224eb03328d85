"""Reads contents that are to be sent, by ranges."""

from __future__ import annotations

import os
from io import RawIOBase
from types import TracebackType
from typing import BinaryIO, Protocol, cast

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, refusal_error
from mlver.storage.remote.team_store import UploadSource


class _Hasher(Protocol):
    def hexdigest(self) -> str: ...


class SourceReader:
    """Reads one content at any place. Its bytes are not proven before `check_digest`."""

    def __init__(self, source: UploadSource, digest: Digest, size: int) -> None:
        self._source = source
        self._digest = digest
        self._size = size
        self._descriptor = -1

    def __enter__(self) -> SourceReader:
        descriptor = self._source.open_object(self._digest)
        if descriptor is None:
            descriptor = self._copy_aside()
        self._descriptor = descriptor
        size = os.fstat(descriptor).st_size
        if size != self._size:
            # Where the bytes are sound, somebody gave the wrong size.
            prove_object(self._source, self._digest)
            raise MlverError(
                f"{self._digest} has {size:,} bytes, and {self._size:,} are recorded for it;"
                " find the manifest that does so",
                hint="mlver verify --all",
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read_range(self, offset: int, size: int) -> bytes:
        """Exactly these bytes; raises ObjectDamaged where the content ends before."""
        try:
            data = os.pread(self._descriptor, size, offset)
            # The system gives at most 2 GiB, and less on some file systems.
            while len(data) < size:
                more = os.pread(self._descriptor, size - len(data), offset + len(data))
                if not more:
                    raise self._damaged_error()
                data += more
        except OSError as error:
            raise refusal_error(f"reading {self._digest}", error) from error
        return data

    def check_digest(self, hasher: _Hasher) -> None:
        """Raise ObjectDamaged unless all the bytes that were read hash to the digest."""
        if hasher.hexdigest() != self._digest.hex:
            raise self._damaged_error()

    def _damaged_error(self) -> ObjectDamaged:
        # The store's own error names the file, if it has no sound copy elsewhere.
        prove_object(self._source, self._digest)
        return ObjectDamaged(
            f"a copy of {self._digest} is damaged, and another one is sound;"
            " set the damaged one aside, then run the same command again",
            hint="mlver verify --all",
        )

    def _copy_aside(self) -> int:
        """A content that has no file of its own, as a file without a name."""
        with self._source.open_scratch() as file:
            self._source.copy_object(self._digest, file)
            file.flush()
            return os.dup(file.fileno())


def prove_object(source: UploadSource, digest: Digest) -> None:
    """Raise ObjectMissing or ObjectDamaged unless the source has a sound copy."""
    source.copy_object(digest, cast(BinaryIO, _NoOutput()))


class _NoOutput(RawIOBase):
    """Takes what nobody wants."""

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return 0

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        return 0

    def truncate(self, size: int | None = None, /) -> int:
        return 0

    def write(self, data: object, /) -> int:
        return len(memoryview(cast(bytes, data)))
