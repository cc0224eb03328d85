"""One repository of an OCI registry: blobs by digest, manifests by tag.

OCI distribution specification 1.1: https://github.com/opencontainers/distribution-spec. A registry
refuses bytes that are not what their digest says, so what it took arrived unchanged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mlver.errors import printable_name
from mlver.storage.remote.attempts import Attempts, Result
from mlver.storage.remote.blobs import BlobError, TransientBlobError
from mlver.storage.remote.oci_auth import RegistryLogin, parse_json_object
from mlver.storage.remote.oci_names import RepositoryName, is_tag
from mlver.storage.remote.web import (
    DOCUMENT_BYTES,
    WebAnswer,
    WebClient,
    is_loopback,
    origin_of,
    parse_time,
)
from mlver.storage.remote.web_ranges import MISSING_STATUSES, check_range_answer, range_header
from mlver.system.timings import STANDARD, Timings

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
# Some registries give all tags at once, whatever was asked for.
_MOST_TAGS_BYTES = 64 << 20
_MOST_TAGS = 2_000_000
_TAGS_A_PAGE = 1000
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NEXT_PAGE = re.compile(r'<([^<>]{1,4000})>\s*;\s*rel="?next"?')
_DOCKER_HUB = ("docker.io", "index.docker.io")
# The registry's hash of a manifest, which it calls by its own name.
_CONTENT_DIGEST = "docker-content-digest"


class Descriptor(NamedTuple):
    """What a manifest says of a blob: its media type, digest (`sha256:…`) and size in bytes."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = {}

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return document


class StoredManifest(NamedTuple):
    """A manifest as the registry has it, by its digest."""

    digest: str
    document: Mapping[str, Any]


@dataclass
class OciRegistry:
    """A repository and the login for it.

    Every call tries once, and several threads may use it at once.
    """

    client: WebClient
    repository: RepositoryName
    login: RegistryLogin
    base: str

    @property
    def address(self) -> str:
        return self.client.address

    def begin_attempts(self) -> Attempts:
        """For a call that the caller repeats."""
        return Attempts(self.client.timings.retries)

    def repeat(self, call: Callable[[], Result]) -> Result:
        """The result of a call, which is repeated while it fails for now."""
        return self.begin_attempts().repeat(call)

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limit: int = DOCUMENT_BYTES,
    ) -> WebAnswer:
        """Send a request, logged in if the registry asks for that.

        `path` is one below the repository, or a whole URL, which gets the login only if the
        registry itself is there.
        """
        url = f"{self.base}/{path}" if "://" not in path else path
        is_ours = origin_of(urlsplit(url)) == origin_of(urlsplit(self.base))
        for attempt in range(2):
            used = self.login.header if is_ours else None
            wanted = dict(headers or {})
            if used is not None:
                wanted["Authorization"] = used
            answer = self.client.send(method, url, headers=wanted, body=body, limit=limit)
            if answer.status != 401 or not is_ours or attempt:
                return answer
            if not self.login.answer_challenge(answer, used):
                return answer
        raise AssertionError("the second attempt returned")

    def refusal(self, answer: WebAnswer, doing: str) -> BlobError:
        """The error for an answer, with what the registry says of it."""
        return self.client.refusal(answer, doing, read_reason(answer))

    def has_blob(self, digest: str, size: int) -> bool:
        """Whether the repository has these bytes already."""
        answer = self.send("HEAD", f"blobs/{digest}")
        if answer.status in MISSING_STATUSES:
            return False
        if answer.status != 200:
            raise self.refusal(answer, f"looking for {digest}")
        return answer.headers.get("content-length") == str(size)

    def read_blob(self, descriptor: Descriptor, name: str, offset: int, size: int) -> bytes:
        """Bytes of a blob, unproved. `name` is for messages."""
        if not size:
            return b""
        # Asked for whole, a registry without ranges serves as well.
        is_whole = offset == 0 and size == descriptor.size
        headers = {} if is_whole else range_header(offset, size)
        answer = self.send("GET", f"blobs/{descriptor.digest}", headers=headers, limit=size)
        return check_range_answer(self.client, answer, name, offset, size)

    def find_manifest(self, reference: str) -> tuple[StoredManifest | None, datetime | None]:
        """The manifest of a tag or digest, None where there is none; and the registry's time."""
        answer = self.send("GET", f"manifests/{reference}", headers={"Accept": MANIFEST_TYPE})
        now = parse_time(answer.headers.get("date"))
        if answer.status in MISSING_STATUSES:
            return None, now
        if answer.status != 200:
            raise self.refusal(answer, f"reading {reference}")
        if len(answer.body) > DOCUMENT_BYTES:
            raise BlobError(f"{self.address}:{reference} is larger than any manifest may be")
        digest = digest_of(answer.body)
        if answer.headers.get(_CONTENT_DIGEST, digest) != digest:
            raise TransientBlobError(
                f"the manifest of {self.address}:{reference} was changed on its way;"
                " run the same command again"
            )
        return StoredManifest(digest, parse_json_object(answer.body)), now

    def put_manifest(self, reference: str, data: bytes) -> WebAnswer:
        """Store a manifest under a tag, whatever that had; all that it names is there already.

        Raises TransientBlobError where the registry got other bytes; the tag then leads to those.
        """
        headers = {"Content-Type": MANIFEST_TYPE}
        answer = self.send("PUT", f"manifests/{reference}", headers=headers, body=data)
        if answer.status not in (200, 201, 202):
            raise self.refusal(answer, f"storing {reference}")
        digest = answer.headers.get(_CONTENT_DIGEST)
        if digest is None:
            stored, _ = self.find_manifest(reference)
            digest = "" if stored is None else stored.digest
        if digest != digest_of(data):
            raise TransientBlobError(
                f"{self.address}:{reference} is not what was sent, or was replaced meanwhile;"
                " run the same command again"
            )
        return answer

    def delete_manifest(self, digest: str) -> None:
        """Delete a manifest and the tags that lead to it; one that is gone is deleted."""
        answer = self.send("DELETE", f"manifests/{digest}")
        if answer.status in (200, 202, 204) or answer.status in MISSING_STATUSES:
            return
        if answer.status == 405:
            raise BlobError(
                f"{self.address} deletes nothing: its registry does not allow it;"
                " have whoever runs it enable deleting, or delete there by its own means"
            )
        raise self.refusal(answer, f"deleting {digest}")

    def list_tags(self) -> Iterator[str]:
        """All tags, each of them once. The answer of a page may name the next one."""
        seen: set[str] = set()
        path: str | None = f"tags/list?n={_TAGS_A_PAGE}"
        while path is not None:
            answer = self.send("GET", path, limit=_MOST_TAGS_BYTES)
            if answer.status in MISSING_STATUSES:
                # The first push makes the repository.
                return
            if answer.status != 200:
                raise self.refusal(answer, "listing")
            new = set(self._read_tags(answer)) - seen
            seen |= new
            yield from new
            path = self._find_next_page(answer)
            if path is not None and (not new or len(seen) > _MOST_TAGS):
                raise BlobError(
                    f"{self.address} lists the same tags without end; ask whoever runs it"
                )

    def _read_tags(self, answer: WebAnswer) -> Iterator[str]:
        document = parse_json_object(answer.body)
        if "tags" not in document or len(answer.body) > _MOST_TAGS_BYTES:
            raise TransientBlobError(
                f"{self.address} gave no list of tags when asked for it;"
                " run the same command again later"
            )
        tags = document["tags"]
        for tag in tags if isinstance(tags, list) else ():
            if is_tag(tag):
                yield tag

    def _find_next_page(self, answer: WebAnswer) -> str | None:
        match = _NEXT_PAGE.search(answer.headers.get("link", "")[:8192])
        if match is None:
            return None
        url = self.client.resolve_location(answer, match[1])
        if origin_of(urlsplit(url)) != origin_of(urlsplit(self.base)):
            raise BlobError(f"{self.address} leads to another host for its tags, which is refused")
        return url


def open_registry(
    address: str, repository: RepositoryName, *, insecure: bool, timings: Timings = STANDARD
) -> OciRegistry:
    """The repository at an address. Plain HTTP is for this machine, or where `insecure` allows."""
    client = WebClient(address, insecure=insecure, timings=timings)
    host = "registry-1.docker.io" if repository.host in _DOCKER_HUB else repository.host
    is_plain = insecure or is_loopback(urlsplit(f"//{host}").hostname or "")
    scheme = "http" if is_plain else "https"
    login = RegistryLogin(client, repository.host, repository.name)
    return OciRegistry(client, repository, login, f"{scheme}://{host}/v2/{repository.name}")


def digest_of(data: bytes) -> str:
    """The digest of bytes, as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def parse_descriptor(document: object) -> Descriptor | None:
    """The descriptor that a manifest holds; None for what is none with a SHA-256."""
    if not isinstance(document, dict):
        return None
    media_type, digest, size = (document.get(name) for name in ("mediaType", "digest", "size"))
    if not isinstance(media_type, str) or not isinstance(digest, str):
        return None
    if _DIGEST.fullmatch(digest) is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 60:
        return None
    return Descriptor(media_type, digest, size, read_annotations(document))


def read_annotations(document: Mapping[str, Any]) -> dict[str, str]:
    """The annotations of a manifest or descriptor that are text."""
    annotations = document.get("annotations")
    if not isinstance(annotations, dict):
        return {}
    return {name: text for name, text in annotations.items() if isinstance(text, str)}


def read_reason(answer: WebAnswer) -> str:
    """What the registry says of an error (`errors` of the specification); empty where nothing."""
    errors = parse_json_object(answer.body[:DOCUMENT_BYTES]).get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, dict):
        return ""
    return printable_name(f"{first.get('code')}: {first.get('message')}"[:200])
