"""Files that a web server publishes, read as the objects of a bucket.

A web server lists nothing: the page that it may make of a folder is for people, and says neither
what is in it as a whole nor what the bytes are. So whoever publishes data states in the same folder
which files there are, with the SHA-256 of each: in `SHA256SUMS`, as `sha256sum` prints it, or in
`listing.json`, as `mlver hash -o` writes it. Every file is read all the same, and compared.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote

from mlver.errors import printable_name
from mlver.records.byte_limits import LISTING_LIMIT
from mlver.records.checksum_file import parse_checksum_file
from mlver.records.listing import ListedObject, PrefixListing
from mlver.storage.remote.blobs import BlobAddress, BlobError, BlobMissing, BlobTooShort
from mlver.storage.remote.buckets import ObjectPiece
from mlver.storage.remote.https import HttpsBlobs, open_https
from mlver.storage.remote.web import WebAnswer, parse_content_range, parse_count
from mlver.storage.remote.web_ranges import MISSING_STATUSES, check_range_answer, range_header

CHECKSUMS = "SHA256SUMS"
LISTING = "listing.json"
_THREADS = 8


@dataclass(frozen=True)
class PublishedReader:
    """Satisfies BucketReader."""

    server: HttpsBlobs
    _lock: threading.Lock = field(default_factory=threading.Lock)
    has_index = True

    def list_objects(self) -> Iterator[ListedObject]:
        """See BucketReader. The server is asked for the size of each file that is stated."""
        with ThreadPoolExecutor(_THREADS) as pool:
            yield from pool.map(self.stat_object, self._read_stated())

    def stat_object(self, key: str) -> ListedObject:
        """See BucketReader."""
        answer = self._ask("HEAD", key)
        self._check_missing(answer, key)
        if answer.status != 200:
            raise self.server.client.refusal(answer, f"looking for {printable_name(key)}")
        size = parse_count(answer.headers.get("content-length"))
        if size is None:
            raise BlobError(
                f"{self.server.address} does not tell the size of {printable_name(key)};"
                " have it send the files as they are, with their Content-Length"
            )
        return _describe_file(key, size, answer)

    def read_piece(self, key: str, offset: int, size: int, version: str = "") -> ObjectPiece:
        """See BucketReader. Files of a web server have no versions."""
        if not size:
            return ObjectPiece(b"", self.stat_object(key))
        answer = self._ask("GET", key, range_header(offset, size), limit=size)
        self._check_missing(answer, key)
        try:
            data = check_range_answer(self.server.client, answer, key, offset, size)
        except BlobTooShort:
            return ObjectPiece(b"", self.stat_object(key))
        return ObjectPiece(data, _describe_file(key, _find_whole_size(answer), answer))

    def find_claim(self, listed: ListedObject) -> str | None:
        """See BucketReader. What is stated beside the files; no request is made for it."""
        return self._read_stated().get(listed.key)

    def _read_stated(self) -> Mapping[str, str]:
        """The SHA-256 of each file, by its key; read once."""
        with self._lock:
            return self._stated

    @cached_property
    def _stated(self) -> Mapping[str, str]:
        data = self._read_index(CHECKSUMS)
        if data is not None:
            return parse_checksum_file(data, f"{self.server.address}/{CHECKSUMS}")
        data = self._read_index(LISTING)
        if data is not None:
            listing = PrefixListing.parse(data, f"{self.server.address}/{LISTING}")
            return {item.key: item.sha256 for item in listing.objects}
        raise BlobError(
            f"{self.server.address} has neither {CHECKSUMS} nor {LISTING}, and a web server lists"
            " nothing by itself (a page of links is no listing); have whoever publishes the data"
            f" write what `sha256sum` prints of its files into {CHECKSUMS} there"
        )

    def _read_index(self, name: str) -> bytes | None:
        answer = self._ask("GET", name, limit=LISTING_LIMIT)
        if answer.status in MISSING_STATUSES:
            return None
        if answer.status != 200:
            raise self.server.client.refusal(answer, f"reading {name}")
        if len(answer.body) > LISTING_LIMIT:
            raise BlobError(f"{self.server.address}/{name} is larger than any listing")
        return answer.body

    def _check_missing(self, answer: WebAnswer, key: str) -> None:
        if answer.status in MISSING_STATUSES:
            raise BlobMissing(
                f"{printable_name(f'{self.server.address}/{key}')} is stated there, and does not"
                " exist; ask whoever publishes it"
            )

    def _ask(
        self, method: str, key: str, headers: Mapping[str, str] | None = None, limit: int = 0
    ) -> WebAnswer:
        wanted = dict(headers or {})
        if self.server.authorization is not None:
            wanted["Authorization"] = self.server.authorization
        url = f"{self.server.address}/{quote(key)}"
        return self.server.client.send(method, url, headers=wanted, limit=limit)


def _find_whole_size(answer: WebAnswer) -> int:
    """The size of the whole file that an answer to a range is of; -1 where it does not say."""
    given = parse_content_range(answer.headers.get("content-range", ""))
    if given is None:
        return len(answer.body)
    return -1 if given[2] is None else given[2]


def _describe_file(key: str, size: int, answer: WebAnswer) -> ListedObject:
    """The time of a file stands for an etag that the server does not have."""
    headers = answer.headers
    return ListedObject(key, size, headers.get("etag", headers.get("last-modified", "")).strip('"'))


def open_published_reader(address: BlobAddress) -> PublishedReader:
    """Open the reader of a folder at `https://`. Nothing is asked of the server yet."""
    return PublishedReader(open_https(address))
