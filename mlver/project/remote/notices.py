"""The small JSON documents by which those who share a remote tell each other what they do.

    pins/<32 hex>.json              contents that a push relies on (`mlver/pin/1`)
    condemned/<time>-<8 hex>.json   blobs that gc is about to delete (`mlver/condemned/1`)
    repositories/<id>-<8 hex>.json  who else keeps contents there (`mlver/repository/1`)

Anybody who can write to the remote can write them, so every value may be of any type. One that
cannot be read ends whatever depends on it: what it would have kept is unknown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from mlver.errors import MlverError, shell_command
from mlver.storage.remote.blobs import BlobInfo, BlobMissing, BlobStore, BlobTooShort, BytesBlob

PINS, CONDEMNED, REPOSITORIES = "pins/", "condemned/", "repositories/"
# A notice with more entries is divided: each part is sent by one call of at most 16 MiB.
MOST_ENTRIES = 150_000
_MOST_BYTES = 16 << 20
_HEX = re.compile(r"[0-9a-f]{64}")


class UnreadableNotice(MlverError):
    """A notice on a remote is damaged, or was written by a newer mlver."""


def write_notice(blobs: BlobStore, key: str, document: Mapping[str, Any]) -> None:
    """Store a notice, whatever the key held; its time of storage is then new."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    blobs.replace_blob(key, BytesBlob(text.encode() + b"\n"))


def read_notices(
    blobs: BlobStore, folder: str, schema: str
) -> Iterator[tuple[BlobInfo, dict[str, Any]]]:
    """Every notice of a folder, in the order of the keys.

    One that is deleted meanwhile is left out. Raises UnreadableNotice.
    """
    listed = sorted(blobs.list_blobs(folder), key=lambda info: info.key)
    for info in listed:
        try:
            document = read_notice(blobs, info.key, schema, info.size)
        except BlobMissing:
            continue
        yield info, document


def read_notice(blobs: BlobStore, key: str, schema: str, size: int | None = None) -> dict[str, Any]:
    """A notice, of that size where it was listed.

    Raises UnreadableNotice, and BlobMissing where it is gone.
    """
    if size is not None:
        # It may have been replaced since: then it is read once more.
        with suppress(UnreadableNotice, BlobTooShort):
            return _read_sized(blobs, key, schema, size)
    return _read_sized(blobs, key, schema, blobs.stat_blob(key).size)


def _read_sized(blobs: BlobStore, key: str, schema: str, size: int) -> dict[str, Any]:
    if size > _MOST_BYTES:
        raise unreadable_error(blobs, key, f"it has {size:,} bytes")
    return _parse_notice(blobs, key, blobs.get_range(key, 0, size), schema)


def _parse_notice(blobs: BlobStore, key: str, data: bytes, schema: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        raise unreadable_error(blobs, key, "it is not JSON") from None
    if not isinstance(document, dict):
        raise unreadable_error(blobs, key, "it is no JSON object")
    if document.get("schema") != schema:
        raise unreadable_error(blobs, key, f"its schema is not {schema}")
    return document


def read_texts(blobs: BlobStore, key: str, document: Mapping[str, Any], name: str) -> list[str]:
    """The list of texts in a field. Raises UnreadableNotice."""
    values = document.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise unreadable_error(blobs, key, f"its `{name}` is no list of texts")
    return values


def read_digests(blobs: BlobStore, key: str, document: Mapping[str, Any], name: str) -> list[str]:
    """The list of SHA-256 in a field, 64 hexadecimal digits each. Raises UnreadableNotice."""
    values = read_texts(blobs, key, document, name)
    if not all(_HEX.fullmatch(value) for value in values):
        raise unreadable_error(blobs, key, f"its `{name}` is no list of SHA-256")
    return values


def unreadable_error(blobs: BlobStore, key: str, fault: str) -> UnreadableNotice:
    """The error of a notice that cannot be relied on."""
    return UnreadableNotice(
        f"{blobs.address}/{key} cannot be read: {fault}; nothing is deleted there while that is so;"
        " use the mlver that wrote it, or delete that one file if nobody needs it",
        hint=shell_command("mlver", "--version"),
    )


def divide_entries(entries: Sequence[str]) -> Iterator[Sequence[str]]:
    """Entries in groups that one notice holds; one group where there are none."""
    for start in range(0, max(len(entries), 1), MOST_ENTRIES):
        yield entries[start : start + MOST_ENTRIES]
