"""What is said of objects that a local store lacks, or has only damaged copies of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import ObjectDamaged, ObjectMissing
from mlver.storage.local.catalogue import ObjectCatalogue
from mlver.storage.store import suggest_copying

_LISTED_MOST = 10


def missing_objects_error(store: ObjectCatalogue, digests: Sequence[Digest]) -> ObjectMissing:
    """The error to raise where these objects are nowhere."""
    missing = {digest.hex for digest in digests}
    damaged_packs: list[Path] = []
    for pack_file in store.list_packs():
        if not missing.isdisjoint(store.damaged_members(pack_file.name)):
            damaged_packs.append(pack_file.path)
    return ObjectMissing(
        f"not in the object store {store.directory}: {_format_list(list(map(str, digests)))};"
        " copy them from a clone that has them, or register the same files again",
        hints=suggest_copying(store.directory, damaged_packs),
    )


def damaged_objects_error(copies: Sequence[tuple[Digest, Path]]) -> ObjectDamaged:
    """The error to raise where these copies are all there is."""
    described = [f"{digest} in {copy_path}" for digest, copy_path in copies]
    # Read by people: what to do comes before a list that may be long.
    return ObjectDamaged(
        "stored bytes are damaged; `verify` sets them aside, and registering the same files "
        f"again then stores them: {_format_list(described)}",
        hint="mlver verify --all",
    )


def _format_list(items: Sequence[str]) -> str:
    """One item on the same line, several on lines of their own, and how many more there are."""
    if len(items) == 1:
        return items[0]
    lines = [f"\n  {listed_item}" for listed_item in items[:_LISTED_MOST]]
    if len(items) > _LISTED_MOST:
        lines.append(f"\n  and {len(items) - _LISTED_MOST:,} more")
    return "".join(lines)
