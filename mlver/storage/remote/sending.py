"""Sends blobs of known content, and finds out that the remote has them."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress

from mlver.errors import MlverError
from mlver.storage.remote.blobs import (
    BlobMissing,
    BlobStore,
    BlobTooShort,
    BytesBlob,
    PutOutcome,
)
from mlver.storage.remote.catalogue import PIECE_BYTES
from mlver.storage.remote.team_store import Confirmation, TransferOptions
from mlver.storage.remote.workers import TransferWorkers


class BlobSender:
    """Sends blobs, from several threads at once. `bytes_sent` is how much was sent so far."""

    def __init__(
        self, blobs: BlobStore, workers: TransferWorkers, options: TransferOptions
    ) -> None:
        self.bytes_sent = 0
        self._blobs = blobs
        self._workers = workers
        self._options = options
        self._lock = threading.Lock()
        self._reads_back: bool | None = None
        self._confirmed_keys: set[str] = set()

    @property
    def confirmation(self) -> Confirmation | None:
        """How it is known that the remote has what was sent; None where nothing was sent."""
        if self._reads_back is None:
            return None
        return Confirmation.READ_BACK if self._reads_back else Confirmation.CHECKED

    def was_confirmed(self, key: str) -> bool:
        """Whether this object has sent the blob, and the remote has it."""
        return key in self._confirmed_keys

    def send_blob(self, key: str, data: bytes, sha256: str) -> None:
        """Store a blob of this digest; return once it is known that the remote has its bytes.

        A blob that was there is not believed, but read and hashed, and replaced if it is another.
        """
        reads_back = self._must_read_back()
        if self._is_sound_already(key, data, sha256):
            self._confirmed_keys.add(key)
            return
        self._workers.note_movement()
        with self._lock:
            self.bytes_sent += len(data)
        # An answer alone is no proof: some servers acknowledge what they then lose.
        if reads_back and not self._holds_bytes(key, len(data), sha256):
            self._send_again(key, data, sha256)
        self._confirmed_keys.add(key)

    def _send_again(self, key: str, data: bytes, sha256: str) -> None:
        """Replace a blob that did not arrive whole. Raise MlverError where that fails as well."""
        self._blobs.replace_blob(key, BytesBlob(data))
        with self._lock:
            self.bytes_sent += len(data)
        if self._holds_bytes(key, len(data), sha256):
            return
        # The next upload would take it for a sound one, by its size.
        with suppress(MlverError):
            self._blobs.delete_blob(key)
        raise MlverError(
            f"{self._blobs.address} accepted {key} but does not have it whole;"
            " check that nothing else deletes there, then run the same command again"
        )

    def _is_sound_already(self, key: str, data: bytes, sha256: str) -> bool:
        """Put the blob; whether the remote had it before."""
        source = BytesBlob(data)
        self._workers.raise_if_stopped()
        if key in self._options.renew:
            self._blobs.replace_blob(key, source)
            return False
        if self._blobs.put_blob(key, source) is PutOutcome.CREATED:
            return False
        # Somebody else's, an earlier attempt's or a damaged one: only its bytes tell.
        if self._holds_bytes(key, len(data), sha256):
            return True
        self._blobs.replace_blob(key, source)
        return False

    def _holds_bytes(self, key: str, size: int, sha256: str) -> bool:
        """Whether the remote holds exactly these bytes under the key."""
        hasher = hashlib.sha256()
        with suppress(BlobMissing, BlobTooShort):
            if self._blobs.stat_blob(key).size != size:
                return False
            for offset in range(0, size, PIECE_BYTES):
                self._workers.raise_if_stopped()
                piece_size = min(PIECE_BYTES, size - offset)
                hasher.update(self._blobs.get_range(key, offset, piece_size))
                self._workers.note_movement()
            return hasher.hexdigest() == sha256
        return False

    def _must_read_back(self) -> bool:
        """Whether only reading proves that a blob arrived. It is found out once."""
        with self._lock:
            if self._reads_back is None:
                trusted = self._blobs.confirms_content() and not self._options.read_back
                self._reads_back = not trusted
            return self._reads_back
