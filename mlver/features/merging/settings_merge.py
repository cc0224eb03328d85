"""Settings files that two sides changed, merged key by key."""

from __future__ import annotations

from mlver.document import codec
from mlver.document.amend import amend_document
from mlver.document.schema import Kind
from mlver.features.merging.threeway import merge_mappings
from mlver.records import layout
from mlver.records.values import Document


def find_kind(path: str) -> Kind | None:
    """Which settings a path holds; None for any other file."""
    if path == layout.CONFIG:
        return "config"
    parsed_path = layout.parse_path(path)
    if parsed_path is not None and parsed_path.kind == "model":
        return "model"
    return None


def merge_settings(
    path: str, base: bytes | None, ours: bytes, theirs: bytes
) -> tuple[bytes, list[str]]:
    """The bytes both sides want, in our words, and the keys they disagree on.

    Raise InvalidDocument where one side's file is not valid.
    """
    settings_kind = find_kind(path)
    assert settings_kind is not None
    # A file that neither side had at first was empty to both.
    former: Document = {}
    if base is not None:
        former = codec.decode_document(settings_kind, base, f"{path} of both")
    our_settings = codec.decode_document(settings_kind, ours, f"{path} of ours")
    their_settings = codec.decode_document(settings_kind, theirs, f"{path} of theirs")
    wanted, clashes = merge_mappings(former, our_settings, their_settings)
    return amend_document(settings_kind, ours, wanted), clashes
