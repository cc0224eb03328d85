"""Finds and damages what a local store holds."""

from __future__ import annotations

from pathlib import Path

from mlver.digest import Digest
from mlver.storage.local import LocalStore
from mlver.system import durable


def flip_bit(path: Path, offset: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << bit
    path.chmod(0o644)
    path.write_bytes(data)


def find_place(store: LocalStore, digest: Digest) -> tuple[Path, int]:
    """The file that holds the only copy of an object, and where it begins."""
    (location,) = store.find_locations({digest.hex})[digest.hex]
    return Path(location.path), location.offset


def list_temporaries(store: LocalStore) -> list[str]:
    return [path.name for path in store.directory.rglob("*") if durable.is_temporary(path.name)]
