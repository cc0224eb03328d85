"""Listings: what a remote prefix held, by object, as `.mlver/listings/<64 hex>.json` says it.

A listing is named by the digest of its own bytes, and names the manifest that its keys and SHA-256
make. One encoding a content: what does not encode to the same bytes again is refused. Shards of a
prefix that several jobs hash are written the same way, and merged into one listing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from mlver.digest import Digest
from mlver.errors import InvalidDocument, UsageError, printable_name
from mlver.names import find_path_fault
from mlver.records.addresses import is_clean_url
from mlver.records.manifest import FAULTS_SHOWN, Manifest

LISTING_SCHEMA = "mlver/listing/1"
SHARD_SCHEMA = "mlver/listing-shard/1"
MAX_SHARDS = 10_000

_MAX_KEY = 4096
_HEX = re.compile(r"[0-9a-f]{64}")
_SHARD = re.compile(r"([1-9][0-9]{0,4})/([1-9][0-9]{0,4})")
_BIGGEST = 2**63 - 1


class ListedObject(NamedTuple):
    """An object as its server lists it. `size` is in bytes.

    `etag` and `version` are what the server calls its content and its version; empty where it gives
    none.
    """

    key: str
    size: int
    etag: str = ""
    version: str = ""

    def is_same(self, other: ListedObject) -> bool:
        """Say whether both are one object in one state.

        Versions count where both are known: no server lists them, and most tell them when an object
        is read.
        """
        if self[:3] != other[:3]:
            return False
        return not self.version or not other.version or self.version == other.version


class HashedObject(NamedTuple):
    """An object and the SHA-256 of its bytes, as 64 digits.

    `claimed`: only the server says so, and nobody has read the bytes.
    """

    key: str
    size: int
    sha256: str
    etag: str = ""
    version: str = ""
    claimed: bool = False

    @property
    def listed(self) -> ListedObject:
        return ListedObject(self.key, self.size, self.etag, self.version)


@dataclass(frozen=True, slots=True)
class Shard:
    """Part `number` of `count` of a prefix, counted from 1."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def holds_key(self, key: str) -> bool:
        """Say whether an object belongs to this shard. Its key alone says so."""
        return int(Digest.of_bytes(key.encode()).hex[:12], 16) % self.count == self.number - 1


@dataclass(frozen=True)
class PrefixListing:
    """All objects of a prefix at `url`, sorted by the bytes of their keys."""

    url: str
    objects: tuple[HashedObject, ...]

    @classmethod
    def from_objects(cls, url: str, objects: Iterable[HashedObject]) -> PrefixListing:
        return cls(url, sort_objects(objects))

    @classmethod
    def parse(cls, data: bytes, where: str) -> PrefixListing:
        """Read a listing; raise InvalidDocument, naming `where`, with what is wrong."""
        document = _load_document(data, where, LISTING_SCHEMA)
        listing = cls(document["url"], document["objects"])
        if listing.to_bytes() != data:
            raise InvalidDocument(where, ("it is not written as mlver writes a listing",))
        return listing

    def to_bytes(self) -> bytes:
        head = {"schema": LISTING_SCHEMA, "url": self.url, "manifest": str(self.manifest.digest)}
        return _encode_document(head, self.objects)

    @cached_property
    def manifest(self) -> Manifest:
        return Manifest(tuple((item.key.encode(), item.sha256) for item in self.objects))

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(item.size for item in self.objects)

    @property
    def claimed(self) -> int:
        """How many of the SHA-256 are only claimed by the server."""
        return sum(item.claimed for item in self.objects)

    @property
    def claims(self) -> dict[str, str]:
        """What a record says of the claimed ones: the SHA-256 of their manifest, by algorithm.

        Empty where every object was read.
        """
        claimed = tuple((item.key.encode(), item.sha256) for item in self.objects if item.claimed)
        return {"sha256": Manifest(claimed).digest.hex} if claimed else {}


@dataclass(frozen=True)
class ShardListing:
    """The objects of one shard. `seen` is the digest of all that the job saw in the prefix."""

    url: str
    shard: Shard
    seen: str
    objects: tuple[HashedObject, ...]

    @classmethod
    def parse(cls, data: bytes, where: str) -> ShardListing:
        """Read a shard; raise InvalidDocument, naming `where`, with what is wrong."""
        document = _load_document(data, where, SHARD_SCHEMA)
        shard, seen = _read_shard(document.get("shard")), document.get("seen")
        if shard is None or not _is_digest(seen):
            raise InvalidDocument(where, ("`shard` and `seen` do not say which shard it is",))
        assert isinstance(seen, str)
        listing = cls(document["url"], shard, seen, document["objects"])
        if listing.to_bytes() != data:
            raise InvalidDocument(where, ("it is not written as mlver writes a shard",))
        strange = [item.key for item in listing.objects if not shard.holds_key(item.key)]
        if strange:
            raise InvalidDocument(where, (f"{printable_name(strange[0])} is of another shard",))
        return listing

    def to_bytes(self) -> bytes:
        head = {
            "schema": SHARD_SCHEMA,
            "url": self.url,
            "shard": str(self.shard),
            "seen": self.seen,
        }
        return _encode_document(head, self.objects)


def sort_objects(objects: Iterable[HashedObject]) -> tuple[HashedObject, ...]:
    """Sort as a manifest is sorted: by the bytes of the key."""
    return tuple(sorted(objects, key=lambda item: item.key.encode()))


def describe_seen(url: str, objects: Iterable[ListedObject]) -> Digest:
    """The digest of what a prefix is seen to hold, before anything is hashed."""
    lines = [json.dumps(list(item)) for item in objects]
    return Digest.of_bytes("\n".join([url, *sorted(lines)]).encode())


# -- shards ------------------------------------------------------------------------------------


def parse_shard(text: str) -> Shard:
    """Read `2/8`; raise UsageError where it is no shard."""
    shard = _read_shard(text)
    if shard is None:
        raise UsageError(
            f"--shard is a number and how many there are, such as 1/2, not {printable_name(text)}"
        )
    return shard


def _read_shard(text: object) -> Shard | None:
    match = _SHARD.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    shard = Shard(int(match[1]), int(match[2]))
    return shard if shard.number <= shard.count <= MAX_SHARDS else None


# -- bytes -------------------------------------------------------------------------------------


def _encode_document(head: Mapping[str, str], objects: Iterable[HashedObject]) -> bytes:
    """One line an object, so that git shows what changed."""
    opening = json.dumps(head, ensure_ascii=False)[:-1]
    lines = ",\n".join(_encode_object(item) for item in objects)
    return f'{opening}, "objects": [\n{lines}\n]}}\n'.encode()


def _encode_object(item: HashedObject) -> str:
    fields: dict[str, Any] = {"key": item.key, "size": item.size, "sha256": item.sha256}
    if item.etag:
        fields["etag"] = item.etag
    if item.version:
        fields["version"] = item.version
    if item.claimed:
        fields["claimed"] = True
    return json.dumps(fields, ensure_ascii=False)


def _load_document(data: bytes, where: str, schema: str) -> dict[str, Any]:
    """Read the document; `objects` in it become a tuple of HashedObject."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(where, (f"it is no JSON: {_shorten_reason(error)}",)) from None
    if not isinstance(document, dict) or document.get("schema") != schema:
        raise InvalidDocument(where, (f"its schema is not {schema}",))
    url, items = document.get("url"), document.get("objects")
    if not isinstance(url, str) or not is_clean_url(url):
        raise InvalidDocument(where, ("`url` is no address of a prefix",))
    if not isinstance(items, list):
        raise InvalidDocument(where, ("`objects` is no list",))
    faults: list[str] = []
    objects: list[HashedObject] = []
    for number, item in enumerate(items, 1):
        read = _read_object(item)
        if isinstance(read, str):
            faults.append(f"object {number}: {read}")
        else:
            objects.append(read)
    faults += _find_order_faults(objects)
    if not items and schema == LISTING_SCHEMA:
        faults.append("there is no object in it")
    if faults:
        shown = faults[:FAULTS_SHOWN]
        if len(faults) > FAULTS_SHOWN:
            shown.append(f"and {len(faults) - FAULTS_SHOWN:,} more")
        raise InvalidDocument(where, tuple(shown))
    return {**document, "objects": tuple(objects)}


def _shorten_reason(error: Exception) -> str:
    return printable_name(str(error))[:100]


def _read_object(item: object) -> HashedObject | str:
    """The object that an entry stands for, or what is wrong with it."""
    if not isinstance(item, dict):
        return "it is no map"
    key, size, sha256 = item.get("key"), item.get("size"), item.get("sha256")
    etag, version, claimed = item.get("etag", ""), item.get("version", ""), item.get("claimed")
    if not isinstance(key, str):
        return "`key` is no text"
    fault = find_key_fault(key)
    if fault is not None:
        return f"the key {printable_name(key)[:200]} {fault}"
    if type(size) is not int or not 0 <= size <= _BIGGEST:
        return "`size` is no number of bytes"
    if not isinstance(sha256, str) or not _HEX.fullmatch(sha256):
        return "`sha256` is not 64 lower-case hexadecimal digits"
    if not _is_mark(etag) or not _is_mark(version):
        return "`etag` or `version` is no short text"
    return HashedObject(key, size, sha256, etag, version, claimed is True)


def _is_mark(value: object) -> bool:
    if not isinstance(value, str) or len(value) > 1024:
        return False
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and value[:7] == "sha256:" and bool(_HEX.fullmatch(value[7:]))


def _find_order_faults(objects: Iterable[HashedObject]) -> list[str]:
    faults: list[str] = []
    last = b""
    for item in objects:
        key = item.key.encode()
        if key <= last:
            name = printable_name(item.key)
            faults.append(f"the key {name} is there twice, or out of order")
        last = max(last, key)
    return faults


def find_key_fault(key: str) -> str | None:
    """What keeps a key from being the path of a file in a manifest, or None."""
    try:
        length = len(key.encode())
    except UnicodeEncodeError:
        return "is not UTF-8"
    if length > _MAX_KEY:
        return f"is longer than {_MAX_KEY} bytes"
    return find_path_fault(key)
