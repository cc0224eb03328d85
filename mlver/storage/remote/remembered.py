"""Small blobs that were read before, kept in a folder of this machine.

The folder may be deleted at any time. A blob in it is used only while the remote lists the size and
the time of storage that it had: whatever replaces it has another time.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mlver.paths import check_own_directory
from mlver.storage.recipes import MOST_BYTES
from mlver.storage.remote.blobs import BlobInfo, BlobStore
from mlver.storage.remote.catalogue import PIECE_BYTES
from mlver.system import durable
from mlver.system.regular import read_regular


class RememberedBlobs:
    """Reads blobs of `blobs`, and keeps them in `folder`. What is in them, the caller checks."""

    def __init__(self, blobs: BlobStore, folder: Path) -> None:
        self._blobs = blobs
        # Nothing is written through a link that stands there.
        self._folder = check_own_directory(folder)
        # No lock is held: whoever is writing one just now reads that blob again next time.
        durable.sweep_temporaries(folder)

    def read_blob(self, info: BlobInfo) -> bytes:
        """The bytes of a blob that the remote describes so. Raises BlobMissing and BlobTooShort.

        Of one that is too large to be an index or a recipe of ours, only the beginning.
        """
        info = replace(info, size=min(info.size, MOST_BYTES + 1))
        kept = self._read_kept(self._path_of(info))
        if kept is not None and len(kept) == info.size:
            return kept
        pieces = []
        for offset in range(0, info.size, PIECE_BYTES):
            piece_size = min(PIECE_BYTES, info.size - offset)
            pieces.append(self._blobs.get_range(info.key, offset, piece_size))
        return b"".join(pieces)

    def keep_read(self, info: BlobInfo, data: bytes) -> None:
        """Remember what was read, and proved to be right: a bit may have flipped on the way."""
        self._keep(self._path_of(info), data)

    def forget_blob(self, info: BlobInfo) -> None:
        """Read a blob again next time: what it was said to hold is of no use."""
        durable.discard_temporary(self._path_of(info))

    def keep_sent(self, key: str, data: bytes) -> None:
        """Remember what was just stored under a key, as the remote describes it now."""
        info = self._blobs.stat_blob(key)
        if info.size == len(data):
            self._keep(self._path_of(info), data)

    def _path_of(self, info: BlobInfo) -> Path:
        # Some storages tell the fractions of a second in listings only.
        stored = info.stored.isoformat(timespec="seconds")
        identity = f"{self._blobs.address}\0{info.key}\0{info.size}\0{stored}"
        return self._folder / hashlib.sha256(identity.encode()).hexdigest()

    def _read_kept(self, path: Path) -> bytes | None:
        try:
            return read_regular(path, MOST_BYTES + 2)
        except OSError:
            return None

    def _keep(self, path: Path, data: bytes) -> None:
        if self._read_kept(path) == data:
            return
        # Without it, it is read from the remote again.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            prepared = path.with_name(durable.temporary_name())
            try:
                prepared.write_bytes(data)
                os.replace(prepared, path)  # noqa: PTH105
            finally:
                durable.discard_temporary(prepared)
