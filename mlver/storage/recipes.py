"""Recipes: how a large content is put together from parts that are blobs of their own.

A recipe is stored under the SHA-256 of the whole content, a part under the SHA-256 of its own
bytes. It is JSON in one form only, with sorted keys, no spaces and a final newline
(`schemas/recipe.schema.json`), so that equal recipes are equal bytes:

    {"parts":[{"base":null,"encoding":"plain","offset":0,"sha256":"…","size":16777216},…],
     "schema":"mlver/recipe/1","sha256":"…","size":52428800}

Offsets and sizes are those of the content; the parts come in order, without gaps. An encoding says
how the bytes of a part became those of the blob: `plain`, not at all; `xor-planes-zstd`, as the
difference to the content `base`, byte plane by byte plane, compressed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mlver.errors import InvalidDocument, NewerFormat

SCHEMA = "mlver/recipe/1"
PLAIN, XOR_PLANES = "plain", "xor-planes-zstd"
# No part is larger: it is sent and received by one call, which memory and a Ctrl-C wait for.
PART_BYTES = 16 << 20
# A recipe is itself sent by one call.
MOST_BYTES = 16 << 20
# What JSON numbers are exact up to.
_LARGEST = 2**53 - 1
_HEX = re.compile(r"[0-9a-f]{64}")
_UPGRADE = "pip install --upgrade mlver"
_KEYS = frozenset(("schema", "sha256", "size", "parts"))
_PART_KEYS = frozenset(("sha256", "size", "offset", "encoding", "base"))


@dataclass(frozen=True, slots=True)
class Part:
    """So many bytes of a content from `offset` on, and the blob that they come from.

    `sha256` is that of the blob, which is the part itself where the encoding is plain.
    """

    sha256: str
    size: int
    offset: int
    encoding: str = PLAIN
    base: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """The parts of the content that `sha256` is the digest of."""

    sha256: str
    size: int
    parts: tuple[Part, ...]


def format_recipe(recipe: Recipe) -> bytes:
    """A recipe as it is stored.

    Raises InvalidDocument where `parse_recipe` would: what cannot be read is never written.
    """
    data = _format_recipe(recipe)
    parse_recipe(data, recipe.sha256, f"the recipe of {recipe.sha256}")
    return data


def parse_recipe(data: bytes, sha256: str, where: str) -> Recipe:
    """Read the recipe of a content, which somebody else may have written.

    Raises InvalidDocument, which names the place `where` and every fault; NewerFormat where its
    schema or an encoding is none that this mlver knows.
    """
    document = _load_document(data, where)
    _check_newer(document, where)
    faults = list(_find_faults(document, sha256))
    if faults:
        raise InvalidDocument(where, tuple(faults))
    parts = tuple(Part(**part) for part in document["parts"])
    recipe = Recipe(document["sha256"], document["size"], parts)
    # Other spellings of the same, such as a key that comes twice, would be read differently by
    # others.
    if _format_recipe(recipe) != data:
        raise InvalidDocument(where, ("it is not in the one form that a recipe has",))
    return recipe


def _format_recipe(recipe: Recipe) -> bytes:
    parts = []
    for part in recipe.parts:
        parts.append(
            {
                "sha256": part.sha256,
                "size": part.size,
                "offset": part.offset,
                "encoding": part.encoding,
                "base": part.base,
            }
        )
    document = {"schema": SCHEMA, "sha256": recipe.sha256, "size": recipe.size, "parts": parts}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return text.encode() + b"\n"


def _load_document(data: bytes, where: str) -> dict[str, Any]:
    if len(data) > MOST_BYTES:
        raise InvalidDocument(where, (f"it has more than {MOST_BYTES:,} bytes",))
    try:
        document = json.loads(data.decode("ascii"))
    # Numbers of many digits and deep nesting have errors of their own.
    except (ValueError, RecursionError):
        raise InvalidDocument(where, ("it is not JSON",)) from None
    if not isinstance(document, dict):
        raise InvalidDocument(where, ("it is no JSON object",))
    return document


def _check_newer(document: dict[str, Any], where: str) -> None:
    """Raise NewerFormat where the schema or an encoding is of a newer mlver."""
    schema = document.get("schema")
    if schema != SCHEMA and isinstance(schema, str):
        fault = f"its schema is {schema[:80]!r}, and this mlver reads {SCHEMA}"
        raise NewerFormat(where, (fault,), hint=_UPGRADE)
    parts = document.get("parts")
    for part in parts if isinstance(parts, list) else ():
        encoding = part.get("encoding") if isinstance(part, dict) else None
        if isinstance(encoding, str) and encoding not in (PLAIN, XOR_PLANES):
            fault = f"a part has the encoding {encoding[:80]!r}, which this mlver cannot read"
            raise NewerFormat(where, (fault,), hint=_UPGRADE)


def _find_faults(document: dict[str, Any], sha256: str) -> Iterator[str]:
    """What is wrong with a recipe, each fault with its place; of many parts, the first one."""
    if document.keys() != _KEYS:
        yield f"it has the keys {_list_keys(document)}, not {_list_keys(_KEYS)}"
        return
    if document["schema"] != SCHEMA:
        yield f"its schema is not {SCHEMA}"
    if document["sha256"] != sha256:
        yield f"it is not the recipe of {sha256}"
    if not _is_count(document["size"], _LARGEST):
        yield f"its size is no number of bytes from 1 to {_LARGEST}"
        return
    if not isinstance(document["parts"], list):
        yield "its parts are no list"
        return
    end = 0
    for number, part in enumerate(document["parts"], 1):
        fault = _find_part_fault(part, end)
        if fault:
            yield f"part {number} {fault}"
            return
        end += part["size"]
    if end != document["size"]:
        yield f"its parts have {end} bytes together, and its size is {document['size']}"


def _find_part_fault(part: Any, offset: int) -> str:
    """What is wrong with a part that has to begin at `offset`; empty where nothing is."""
    if not isinstance(part, dict) or part.keys() != _PART_KEYS:
        return f"is no object with the keys {_list_keys(_PART_KEYS)}"
    if not _is_hex(part["sha256"]):
        return "has no sha256 of 64 hexadecimal digits"
    if not _is_count(part["size"], PART_BYTES):
        return f"has no size from 1 to {PART_BYTES} bytes"
    if type(part["offset"]) is not int or part["offset"] != offset:
        return f"does not begin at {offset}, where the one before it ends"
    if part["encoding"] == PLAIN:
        return "" if part["base"] is None else "is plain and has a base"
    if part["encoding"] == XOR_PLANES:
        return "" if _is_hex(part["base"]) else "has no base of 64 hexadecimal digits"
    return "has no encoding"


def _is_count(value: Any, largest: int) -> bool:
    # A bool is an int to Python, and not to JSON.
    return type(value) is int and 1 <= value <= largest


def _is_hex(value: Any) -> bool:
    return isinstance(value, str) and _HEX.fullmatch(value) is not None


def _list_keys(keys: Any) -> str:
    return ", ".join(sorted(str(key)[:40] for key in list(keys)[:10]))


def cut_evenly(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Offset and size of the parts from `start` to `end`, all but the last one of PART_BYTES."""
    for offset in range(start, end, PART_BYTES):
        yield offset, min(PART_BYTES, end - offset)


def cut_between(bounds: Sequence[int]) -> list[tuple[int, int]]:
    """Offset and size of the parts of a content that shall be cut at these places, in order.

    The first one is where the content begins, and the last one where it ends.
    """
    parts: list[tuple[int, int]] = []
    for start, end in pairwise(bounds):
        parts.extend(cut_evenly(start, end))
    return parts
