"""Contents that are kept in parts, put together as `docs/recovery.md` does it: without mlver."""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any


def list_rebuilt_digests(ours: Path, stored: set[str]) -> set[str]:
    """The digests of the contents that only their parts make; `stored` are those that are whole."""
    recipes = _read_recipes(ours)
    if recipes.keys() <= stored:
        return set()
    blobs = dict(_read_blobs(ours))
    for digest in recipes.keys() & blobs.keys():
        for part in recipes[digest]["parts"]:
            begin = part["offset"]
            blobs.setdefault(part["sha256"], blobs[digest][begin : begin + part["size"]])
    rebuilt: set[str] = set()
    for digest in recipes.keys() - stored:
        with suppress(KeyError, ValueError):
            content = b"".join(_rebuild_part(part, blobs) for part in recipes[digest]["parts"])
            if hashlib.sha256(content).hexdigest() == digest:
                rebuilt.add(digest)
    return rebuilt


def _read_recipes(ours: Path) -> dict[str, Any]:
    recipes: dict[str, Any] = {}
    for path in (ours / "recipes").glob("??/*"):
        with suppress(ValueError):
            recipes[path.parent.name + path.name] = json.loads(path.read_bytes())
    return recipes


def _read_blobs(ours: Path) -> Iterator[tuple[str, bytes]]:
    """All contents that are stored as they are, also in the trash."""
    for path in [*(ours / "objects").glob("??/*"), *(ours / "trash").glob("*/*[!kx]")]:
        data = path.read_bytes()
        yield hashlib.sha256(data).hexdigest(), data
    for path in [*(ours / "packs").glob("*.pack"), *(ours / "trash").glob("*/*.pack")]:
        with suppress(tarfile.ReadError), tarfile.open(path) as pack:
            for member in pack:
                reader = pack.extractfile(member)
                if reader is not None:
                    data = reader.read()
                    yield hashlib.sha256(data).hexdigest(), data


def _rebuild_part(part: Any, blobs: dict[str, bytes]) -> bytes:
    """The bytes of a part; raise KeyError where its own or those of its base are nowhere."""
    blob = blobs[part["sha256"]]
    if part["encoding"] == "plain":
        return blob
    library = "compression.zstd" if sys.version_info >= (3, 14) else "zstandard"
    planes = import_module(library).decompress(blob[1:])
    width = blob[0]
    length, mixed = part["size"] // width, bytearray(planes)
    for number in range(width):
        mixed[number : length * width : width] = planes[number * length : (number + 1) * length]
    base = blobs[part["base"]]
    return bytes(one ^ other for one, other in zip(mixed, base, strict=True))
