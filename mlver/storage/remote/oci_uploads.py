"""Bytes on their way into a repository of an OCI registry.

An upload is begun, gets its bytes in chunks, and ends with their digest, which the registry checks.
One that was cut off goes on where it ended: the registry says how much it has.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from mlver.storage.remote.blobs import BlobSource, TransientBlobError, read_pieces
from mlver.storage.remote.oci_registry import Descriptor, OciRegistry, digest_of
from mlver.storage.remote.web import WebAnswer, parse_count

# The configuration of an artifact that needs none (OCI image specification 1.1).
EMPTY_CONFIG = b"{}"
EMPTY_CONFIG_TYPE = "application/vnd.oci.empty.v1+json"
# No call carries more.
CHUNK_BYTES = 16 << 20
_BYTES_TYPE = {"Content-Type": "application/octet-stream"}
_WRONG_DIGEST = "sha256:" + "0" * 64
_RECEIVED = re.compile(r"(?:bytes=)?0-(\d{1,18})")

Progress = Callable[[int], None]


class DigestRefused(TransientBlobError):
    """The registry got other bytes than those of the digest; what changed them may be passing."""


@dataclass
class RegistryUploads:
    """Uploads into one repository. Several threads may use it at once."""

    registry: OciRegistry
    _confirms: bool | None = None
    _empty_config: Descriptor | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def push_bytes(self, data: bytes, name: str) -> WebAnswer:
        """Store bytes, at most CHUNK_BYTES, under their digest; the registry's last answer.

        `name` is for messages.
        """
        return self._finish(self._begin(name), digest_of(data), data, name)

    def push_source(
        self, source: BlobSource, digest: str, name: str, progress: Progress | None = None
    ) -> WebAnswer:
        """Store a source of any size, chunk by chunk; `digest` is that of its bytes.

        Its chunks, unlike all other calls here, are tried again, for nobody wants to begin anew
        with what took an hour. `progress` is called with a number of bytes that arrived.
        """
        attempts = self.registry.begin_attempts()
        upload = self._begin(name)
        done = 0
        while done < source.size:
            try:
                for chunk in _read_chunks(source, done, name):
                    upload = self._push_chunk(upload, chunk, done, name)
                    done += len(chunk)
                    attempts.note_progress()
                    if progress is not None:
                        progress(len(chunk))
            except TransientBlobError as error:
                attempts.wait_after(error)
                upload, done = self._ask_received(upload, name)
        return self._finish(upload, digest, b"", name)

    def confirms_content(self) -> bool:
        """Whether the registry refused a wrong digest and took a right one; tried once."""
        with self._lock:
            if self._confirms is None:
                answer = self._put_last(self._begin("a probe"), _WRONG_DIGEST, b"mlver")
                if answer.status not in range(200, 500):
                    raise self.registry.refusal(answer, "trying a wrong digest")
                self._confirms = answer.status in (400, 404, 416, 422)
                self._empty_config = self._push_empty_config()
            return self._confirms

    def push_empty_config(self) -> Descriptor:
        """Have the configuration there that artifacts without one name."""
        with self._lock:
            if self._empty_config is None:
                self._empty_config = self._push_empty_config()
            return self._empty_config

    def _push_empty_config(self) -> Descriptor:
        self.push_bytes(EMPTY_CONFIG, "an empty configuration")
        return Descriptor(EMPTY_CONFIG_TYPE, digest_of(EMPTY_CONFIG), len(EMPTY_CONFIG))

    def _push_chunk(self, upload: str, data: bytes, offset: int, name: str) -> str:
        """Send the next bytes of a blob; where to send those after them."""
        headers = {**_BYTES_TYPE, "Content-Range": f"{offset}-{offset + len(data) - 1}"}
        answer = self.registry.send("PATCH", upload, headers=headers, body=data)
        if answer.status not in (202, 204):
            raise self.registry.refusal(answer, f"storing {name}")
        return self._find_upload(answer, name)

    def _ask_received(self, upload: str, name: str) -> tuple[str, int]:
        """Where an upload goes on, and after how many bytes; a new one if it cannot."""
        answer = self.registry.send("GET", upload)
        if answer.status not in (202, 204):
            return self._begin(name), 0
        match = _RECEIVED.fullmatch(answer.headers.get("range", ""))
        last = parse_count(match[1]) if match is not None else None
        # `0-0` is what a registry says that has nothing yet.
        return self._find_upload(answer, name), last + 1 if last else 0

    def _begin(self, name: str) -> str:
        """Where to send the bytes of a new blob."""
        answer = self.registry.send("POST", "blobs/uploads/")
        if answer.status != 202:
            raise self.registry.refusal(answer, f"storing {name}")
        return self._find_upload(answer, name)

    def _finish(self, upload: str, digest: str, data: bytes, name: str) -> WebAnswer:
        """Send the last bytes of a blob, and its digest, which the registry checks."""
        answer = self._put_last(upload, digest, data)
        if answer.status == 400:
            raise DigestRefused(
                f"{self.registry.address} refused the bytes of {name}, which are not {digest}:"
                " they changed on the way, or are damaged here; run the same command again"
            )
        if answer.status != 201:
            raise self.registry.refusal(answer, f"storing {name}")
        return answer

    def _put_last(self, upload: str, digest: str, data: bytes) -> WebAnswer:
        separator = "&" if urlsplit(upload).query else "?"
        url = f"{upload}{separator}digest={digest}"
        return self.registry.send("PUT", url, headers=_BYTES_TYPE, body=data)

    def _find_upload(self, answer: WebAnswer, name: str) -> str:
        location = answer.headers.get("location")
        if not location:
            raise self.registry.refusal(answer, f"storing {name}")
        return self.registry.client.resolve_location(answer, location)


def digest_source(source: BlobSource, name: str) -> str:
    """The digest of a source, all of which is read."""
    hasher = hashlib.sha256()
    for piece in read_pieces(name, source):
        hasher.update(piece)
    return f"sha256:{hasher.hexdigest()}"


def _read_chunks(source: BlobSource, done: int, name: str) -> Iterator[bytes]:
    """The bytes of a source from `done` on, in chunks."""
    waiting = bytearray()
    to_skip = done
    for piece in read_pieces(name, source):
        rest = piece[to_skip:]
        to_skip -= len(piece) - len(rest)
        waiting += rest
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)
