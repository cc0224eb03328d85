"""Settings files that two sides changed, merged key by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlver.document import codec
from mlver.document.amend import amend_document
from mlver.features.merging.threeway import merge_mappings
from mlver.records import layout

if TYPE_CHECKING:
    from mlver.document.schema import Kind


def find_kind(path: str) -> Kind | None:
    """Which settings a path holds; None for any other file."""
    place = layout.parse_path(path)
    return (
        "config" if path == layout.CONFIG else "model" if place and place.kind == "model" else None
    )


def merge_settings(
    path: str, base: bytes | None, ours: bytes, theirs: bytes
) -> tuple[bytes, list[str]]:
    """The bytes both sides want, in our words, and the keys they disagree on; raise InvalidDocument where one says
    nothing."""
    kind = find_kind(path)
    assert kind is not None
    was, mine, other = (
        {} if data is None else codec.decode_document(kind, data, f"{path} of {side}")
        for side, data in (("both", base), ("ours", ours), ("theirs", theirs))
    )
    wanted, clashes = merge_mappings(was, mine, other)
    return amend_document(kind, ours, wanted), clashes
