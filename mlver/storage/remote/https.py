"""Blobs behind a plain web server, for reading only.

The server serves the folder of a store, or a bucket, as files, and supports range requests. Since
it lists nothing, `listing.py` says which blobs there are, by a file of the store itself.

Credentials come from `~/.netrc` (or the file that NETRC names), and from nowhere else.
"""

from __future__ import annotations

import math
import netrc
import os
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from mlver.errors import UsageError
from mlver.storage.remote.blobs import (
    BlobAddress,
    BlobError,
    BlobInfo,
    BlobMissing,
    BlobSource,
    BlobTooShort,
    PutOutcome,
    check_key,
    check_prefix,
)
from mlver.storage.remote.listing import LISTING, MOST_LISTING_BYTES, parse_listing
from mlver.storage.remote.web import (
    WebAnswer,
    WebClient,
    check_web_address,
    is_loopback,
    parse_count,
    parse_time,
)
from mlver.storage.remote.web_ranges import MISSING_STATUSES, check_range_answer, range_header

# The time of a blob where the server tells none: nothing is judged by the age of what others keep.
# A listing is read again after so many seconds: a survey asks for one folder after the other.
_LISTING_AGE_S = 30.0
_NO_TIME = datetime.fromtimestamp(0, UTC)


@dataclass
class HttpsBlobs:
    """Satisfies BlobStore for reading; whatever would change the store is refused."""

    address: str
    client: WebClient
    authorization: str | None = None
    _listed: tuple[float, Sequence[BlobInfo]] = (-math.inf, ())
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def confirms_content(self) -> bool:
        """See BlobStore. Nothing is stored here."""
        return False

    def put_blob(self, key: str, source: BlobSource) -> PutOutcome:
        """See BlobStore. Refused."""
        raise self._read_only_error(check_key(key), source)

    def replace_blob(self, key: str, source: BlobSource) -> None:
        """See BlobStore. Refused."""
        raise self._read_only_error(check_key(key), source)

    def delete_blob(self, key: str) -> None:
        """See BlobStore. Refused."""
        raise self._read_only_error(check_key(key), None)

    def sweep_leftovers(self) -> None:
        """See BlobStore. Nothing here is ours to remove."""

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        """See BlobStore."""
        if not size:
            if self.stat_blob(key).size < offset:
                raise BlobTooShort(f"{self.address}/{key} ends before byte {offset}")
            return b""
        answer = self._ask("GET", check_key(key), range_header(offset, size), limit=size)
        self._check_missing(answer, key)
        return check_range_answer(self.client, answer, key, offset, size)

    def stat_blob(self, key: str) -> BlobInfo:
        """See BlobStore. The time is 1970 where the server tells none."""
        answer = self._ask("HEAD", check_key(key))
        self._check_missing(answer, key)
        if answer.status != 200:
            raise self.client.refusal(answer, f"looking for {key}")
        size = parse_count(answer.headers.get("content-length"))
        if size is None:
            raise BlobError(
                f"{self.address} does not tell the size of {key};"
                " have it send the files as they are, with their Content-Length"
            )
        return BlobInfo(key, size, parse_time(answer.headers.get("last-modified")) or _NO_TIME)

    def list_blobs(self, prefix: str) -> Iterator[BlobInfo]:
        """See BlobStore. What the store's own listing names; a store without one is refused."""
        check_prefix(prefix)
        with self._lock:
            read_at, listed = self._listed
            if time.monotonic() - read_at > _LISTING_AGE_S:
                listed = self._read_listing()
                self._listed = (time.monotonic(), listed)
        for blob_info in listed:
            if blob_info.key.startswith(prefix):
                yield blob_info

    def _read_listing(self) -> list[BlobInfo]:
        place = f"{self.address}/{LISTING}"
        answer = self._ask("GET", LISTING, limit=MOST_LISTING_BYTES)
        if answer.status in MISSING_STATUSES:
            raise BlobError(
                f"{self.address} has no file {LISTING}, and a web server lists nothing by itself;"
                " have whoever publishes the store write its listing"
            )
        if answer.status != 200:
            raise self.client.refusal(answer, f"reading {LISTING}")
        if len(answer.body) > MOST_LISTING_BYTES:
            raise BlobError(f"{place} is larger than any listing of mlver's")
        return parse_listing(answer.body, place)

    def _check_missing(self, answer: WebAnswer, key: str) -> None:
        """Raise BlobMissing where the answer says that.

        A bucket that nobody may list says 403 of what it does not have, and of everything to those
        who may read nothing there. Whoever could read the listing is none of these.
        """
        is_hidden = answer.status == 403 and self._listed[1]
        if answer.status in MISSING_STATUSES or is_hidden:
            raise BlobMissing(f"{self.address}/{key} does not exist")

    def _ask(
        self, method: str, key: str, headers: dict[str, str] | None = None, limit: int = 0
    ) -> WebAnswer:
        wanted = dict(headers or {})
        if self.authorization is not None:
            wanted["Authorization"] = self.authorization
        return self.client.send(method, f"{self.address}/{key}", headers=wanted, limit=limit)

    def _read_only_error(self, key: str, source: BlobSource | None) -> BlobError:
        doing = "deleted" if source is None else "stored"
        return BlobError(
            f"{self.address} is read by HTTPS, which changes nothing there: {key} was not {doing};"
            " push to the store that this web server publishes, or to another remote"
        )


def open_https(address: BlobAddress) -> HttpsBlobs:
    """The back-end for `https://HOST/PATH`, and for `http://` on this machine.

    The option `insecure` (`true`) allows plain HTTP to other machines, too: every byte is hashed,
    but whoever is on the way sees what is read.
    """
    url = f"{address.scheme}://{check_web_address(address.text, address.rest)}"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{address.text} is no address of a host and a path") from error
    host = parts.hostname or ""
    insecure = address.options.get("insecure") == "true"
    if parts.scheme == "http" and not insecure and not is_loopback(host):
        raise UsageError(f"{address.text} is plain HTTP, which anybody on the way reads; use HTTPS")
    return HttpsBlobs(
        url, WebClient(url, insecure=insecure, timings=address.timings), find_authorization(host)
    )


def find_authorization(host: str) -> str | None:
    """What a netrc file has for this very host, as an Authorization header.

    Its `default` entry is left out: it would go to every host that a repository names.
    """
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    try:
        hosts = netrc.netrc(os.fspath(path)).hosts
    except FileNotFoundError:
        return None
    except (OSError, netrc.NetrcParseError, UnicodeError) as error:
        # What the parser says of it could show the password.
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        raise BlobError(
            f"{path}{where} cannot be read for the password of {host}; correct it, or move it away"
        ) from error
    found = hosts.get(host)
    if found is None or host == "default":
        return None
    login, _, password = found
    headers = urllib3.make_headers(basic_auth=f"{login}:{password or ''}")
    return headers["authorization"]
