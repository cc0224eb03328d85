"""Small blobs that were read before, kept in a folder of this machine.

The folder may be deleted at any time. What is in it is used only where it is known to be what the
remote has: an index of a pack hashes to its name, and another blob is known by the size and the
time of storage that the remote lists for it now.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from mlver.storage import packs
from mlver.storage.recipes import MOST_BYTES
from mlver.storage.remote.blobs import BlobInfo, BlobMissing, BlobStore, BlobTooShort
from mlver.storage.remote.catalogue import PIECE_BYTES
from mlver.system import durable
from mlver.system.regular import read_regular


class RememberedBlobs:
    """Reads blobs of `blobs`, and keeps them in `folder`."""

    def __init__(self, blobs: BlobStore, folder: Path) -> None:
        self._blobs = blobs
        self._folder = folder

    def read_named(self, info: BlobInfo, sha256: str) -> bytes | None:
        """The index of a pack, which has this digest; None where it does not, or is no index."""
        path = self._folder / f"{sha256}.idx"
        kept = self._read_kept(path)
        if kept is not None and packs.pack_name(kept) == sha256:
            return kept
        if info.size > MOST_BYTES:
            return None
        try:
            index = read_whole(self._blobs, info)
        except (BlobMissing, BlobTooShort):
            return None
        # Somebody who can write there can give rubbish the right name: the lines are checked, too.
        if packs.pack_name(index) != sha256 or not packs.is_index(index):
            return None
        self._keep(path, index)
        return index

    def read_dated(self, info: BlobInfo) -> bytes:
        """A blob that does not change without another time or size in the listing.

        Of one that is too large to be anything of ours, only the beginning. The caller checks what
        is in it. Raises BlobMissing and BlobTooShort.
        """
        info = replace(info, size=min(info.size, MOST_BYTES + 1))
        path = self._dated_path(info)
        kept = self._read_kept(path)
        if kept is not None and len(kept) == info.size:
            return kept
        data = read_whole(self._blobs, info)
        self._keep(path, data)
        return data

    def keep_named(self, index: bytes) -> None:
        """Remember the index of a pack, which the remote has."""
        self._keep(self._folder / f"{packs.pack_name(index)}.idx", index)

    def keep_dated(self, info: BlobInfo, data: bytes) -> None:
        """Remember what the blob has that the remote describes so."""
        if info.size == len(data):
            self._keep(self._dated_path(info), data)

    def _dated_path(self, info: BlobInfo) -> Path:
        # Some storages tell the fractions of a second in listings only.
        stored = info.stored.isoformat(timespec="seconds")
        identity = f"{self._blobs.address}\0{info.key}\0{info.size}\0{stored}"
        return self._folder / f"{hashlib.sha256(identity.encode()).hexdigest()}.blob"

    def _read_kept(self, path: Path) -> bytes | None:
        try:
            return read_regular(path)
        except OSError:
            return None

    def _keep(self, path: Path, data: bytes) -> None:
        # Without it, it is read from the remote again.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            prepared = path.with_name(durable.temporary_name())
            try:
                prepared.write_bytes(data)
                os.replace(prepared, path)  # noqa: PTH105
            finally:
                durable.discard_temporary(prepared)


def read_whole(blobs: BlobStore, info: BlobInfo) -> bytes:
    """A blob that fits in memory. Raises BlobMissing and BlobTooShort."""
    pieces = []
    for offset in range(0, info.size, PIECE_BYTES):
        pieces.append(blobs.get_range(info.key, offset, min(PIECE_BYTES, info.size - offset)))
    return b"".join(pieces)
