"""HTTP for the back-ends that speak it: one request, its answer within a limit, errors by kind.

Nothing is tried twice here. What a server says is never believed: the caller hashes the bytes.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from http.client import HTTPException
from io import BytesIO
from typing import NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, SSLError

from mlver.errors import UsageError, printable_name
from mlver.storage.remote.blobs import BlobError, TransientBlobError
from mlver.system.timings import STANDARD, Timings

# What a server says while it is busy, restarted or behind a gateway that is.
_TRANSIENT_STATUSES = frozenset((408, 425, 429, 500, 502, 503, 504))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_MOST_REDIRECTS = 5
# The most that a document (a manifest, a list of tags, an error) may have, in bytes.
DOCUMENT_BYTES = 4 << 20
_PIECE_BYTES = 1 << 18
# An answer that comes slower than this, in bytes a second, counts as stalled.
_SLOWEST = 1024
_CONNECTIONS = 32


class WebAnswer(NamedTuple):
    """An answer: its status, its headers by lower-case name, and its whole body.

    `url` is where it came from, after redirects.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True)
class WebClient:
    """Sends requests for one store at `address`; several threads may use it at once.

    Plain HTTP is spoken to this machine only, unless `insecure`.
    """

    address: str
    insecure: bool = False
    timings: Timings = STANDARD
    _pools: dict[str, urllib3.PoolManager] = field(default_factory=dict)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = DOCUMENT_BYTES,
    ) -> WebAnswer:
        """Send one request, following the redirects of GET and HEAD.

        Of a body, at most `limit` bytes and one more are read. Raises TransientBlobError for what
        may pass, BlobError for a server that cannot be spoken to. A redirect to another host gets
        no Authorization, and none leads from HTTPS to HTTP.
        """
        wanted = {"Accept-Encoding": "identity", "User-Agent": "mlver", **(headers or {})}
        here = self._check_url(url)
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._send_once(method, here, wanted, body, limit)
            target = answer.headers.get("location")
            if method not in ("GET", "HEAD") or answer.status not in _REDIRECTS or not target:
                return answer
            there = self._check_url(self.resolve_location(answer, target))
            if here.scheme == "https" != there.scheme:
                raise BlobError(
                    f"{self.address} leads from HTTPS to plain HTTP, which is refused;"
                    " ask whoever runs it to mend its redirects"
                )
            if origin_of(there) != origin_of(here):
                wanted.pop("Authorization", None)
            here = there
        raise BlobError(
            f"{self.address} leads from one address to the next without end;"
            " ask whoever runs it to mend its redirects"
        )

    def resolve_location(self, answer: WebAnswer, location: str) -> str:
        """The URL that a `Location` header or a link means."""
        try:
            return urljoin(answer.url, location)
        except ValueError as error:
            raise self._bad_url_error(location) from error

    def refusal(self, answer: WebAnswer, doing: str, reason: str = "") -> BlobError:
        """The error for an answer that nobody expected; transient where it may pass."""
        said = f" ({printable_name(reason[:200])})" if reason else ""
        words = f"{doing} failed: {self.address} answered {answer.status}{said}"
        if answer.status in _TRANSIENT_STATUSES:
            return TransientBlobError(f"{words}; run the same command again later")
        if answer.status in (401, 403):
            return BlobError(f"{words}; log in there, or get permission for it")
        return BlobError(f"{words}; ask whoever runs it")

    @cached_property
    def _direct(self) -> urllib3.PoolManager:
        return urllib3.PoolManager(maxsize=_CONNECTIONS, blocksize=_PIECE_BYTES)

    def _send_once(
        self,
        method: str,
        url: SplitResult,
        headers: Mapping[str, str],
        body: bytes | None,
        limit: int,
    ) -> WebAnswer:
        """One request and its answer, wherever that leads."""
        try:
            response = self._open_response(method, url, headers, body)
            try:
                data = self._read_body(response, 0 if method == "HEAD" else limit)
                is_whole = len(data) <= limit
            except BaseException:
                response.close()
                raise
            # What was not read to its end would be taken for the next answer.
            response.release_conn() if is_whole else response.close()
        except SSLError as error:
            raise BlobError(
                f"{self.address} cannot be proved to be what it says: {_say_error(error)};"
                " have its certificate trusted on this machine"
            ) from error
        except LocationValueError as error:
            raise self._bad_url_error(url.geturl()) from error
        except (HTTPError, HTTPException, OSError) as error:
            raise TransientBlobError(
                f"talking to {self.address} failed: {_say_error(error)};"
                " check the connection, then run the same command again"
            ) from error
        answered = {name.lower(): text for name, text in response.headers.items()}
        answer = WebAnswer(response.status, answered, data, url.geturl())
        if answer.status in _TRANSIENT_STATUSES:
            raise self.refusal(answer, f"{method} of {printable_name(url.path[:200])}")
        return answer

    def _open_response(
        self, method: str, url: SplitResult, headers: Mapping[str, str], body: bytes | None
    ) -> urllib3.BaseHTTPResponse:
        """Send one request; the body of its answer is still to be read."""
        silence = self.timings.silence
        sent = dict(headers)
        # The time to connect is also the time in which a piece of a body has to be taken.
        timeout = urllib3.Timeout(connect=self.timings.connect, read=silence)
        if body is not None:
            # As bytes, it would be one piece, and a slow connection too slow for it.
            sent["Content-Length"] = str(len(body))
            timeout = urllib3.Timeout(connect=silence, read=silence)
        return self._find_pool(url).request(
            method,
            url.geturl(),
            headers=sent,
            body=None if body is None else BytesIO(body),
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )

    def _read_body(self, response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
        """At most `limit` bytes and one more, which tells that there are more."""
        began = time.monotonic()
        data = bytearray()
        while len(data) <= limit:
            piece = response.read1(min(_PIECE_BYTES, limit + 1 - len(data)))
            if not piece:
                break
            data += piece
            if time.monotonic() - began > 2 * self.timings.silence + len(data) / _SLOWEST:
                raise TransientBlobError(
                    f"{self.address} sends too slowly: {len(data)} bytes in"
                    f" {time.monotonic() - began:.0f} seconds; run the same command again later"
                )
        return bytes(data)

    def _find_pool(self, url: SplitResult) -> urllib3.PoolManager:
        """The connections to use: through a proxy where the environment names one."""
        host = url.hostname or ""
        proxy = getproxies().get(url.scheme)
        if not proxy or is_loopback(host) or proxy_bypass(host):
            return self._direct
        if proxy not in self._pools:
            self._pools[proxy] = urllib3.ProxyManager(
                proxy, maxsize=_CONNECTIONS, blocksize=_PIECE_BYTES
            )
        return self._pools[proxy]

    def _check_url(self, url: str) -> SplitResult:
        """Take a URL apart; refuse what no request should go to."""
        try:
            parts = urlsplit(url)
            usable = bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError as error:
            raise self._bad_url_error(url) from error
        if not usable or not url.isascii() or parts.username is not None:
            raise self._bad_url_error(url)
        if parts.scheme == "https":
            return parts
        if parts.scheme == "http" and (self.insecure or is_loopback(parts.hostname or "")):
            return parts
        raise BlobError(
            f"{self.address} leads to {printable_name(url[:200])}, which is not HTTPS;"
            " whoever is on the way could read and change what is sent"
        )

    def _bad_url_error(self, url: str) -> BlobError:
        return BlobError(
            f"{self.address} leads to {printable_name(url[:200])}, which is no usable URL;"
            " ask whoever runs it"
        )


def origin_of(url: SplitResult) -> tuple[str, str, int]:
    """Scheme, host and port: what credentials are for."""
    port = url.port or (443 if url.scheme == "https" else 80)
    return url.scheme, (url.hostname or "").lower(), port


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or number."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_web_address(text: str, rest: str) -> str:
    """Return what follows `://`, without its final slash; refuse what is no host and path.

    A user or password in it is refused, for an address is written into settings that others read.
    """
    host, _, path = rest.partition("/")
    if "@" in host:
        raise UsageError(
            "the address of a remote holds a user or a password, which others would read;"
            " leave it out, and keep it where `docker login` or ~/.netrc does"
        )
    if not host or not rest.isascii() or not rest.isprintable() or set(rest) & set(' ?#\\"<>'):
        raise UsageError(
            f"{printable_name(text)} is no address of a host and a path;"
            " write other characters as in a URL, such as %20"
        )
    if {".", ".."} & set(path.split("/")):
        raise UsageError(f"{text} has `.` or `..` in its path; name the path itself")
    return rest.rstrip("/")


def parse_content_range(text: str) -> tuple[int, int, int | None] | None:
    """First byte, last byte and whole size of a `Content-Range` (RFC 9110, 14.4).

    None where it is no such text; no whole size where the server does not tell.
    """
    unit, _, rest = text.strip().partition(" ")
    span, _, whole = rest.partition("/")
    first, _, last = span.partition("-")
    if unit.lower() != "bytes":
        return None
    first_byte, last_byte = parse_count(first), parse_count(last)
    if first_byte is None or last_byte is None:
        return None
    return first_byte, last_byte, parse_count(whole)


def parse_count(text: str | None) -> int | None:
    """A number of bytes as a header or a document writes it; None for everything else."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= 18:
        return int(text)
    return None


def parse_time(text: str | None) -> datetime | None:
    """The time of a `Date` or `Last-Modified` header, in UTC; None for everything else."""
    try:
        return parsedate_to_datetime(text or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _say_error(error: Exception) -> str:
    """What a library says of a failure, on one line."""
    return printable_name(str(error) or type(error).__name__)[:300]
