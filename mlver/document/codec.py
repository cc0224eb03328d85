"""A record's bytes and its document: read strictly, written so that it can be read."""

from __future__ import annotations

from typing import Any

from mlver.document import emit, strict
from mlver.document.schema import Kind, validate_document


def decode_document(
    kind: Kind, data: bytes, where: str, extra_schema: bytes | None = None
) -> dict[str, Any]:
    """Read the document in `data`.

    Raise InvalidDocument, naming `where`, with every fault, its line and key path.
    """
    parsed = strict.load_document(data, where)
    validate_document(kind, parsed.value, parsed.lines, where, extra_schema)
    document: dict[str, Any] = parsed.value
    return document


def encode_document(
    kind: Kind, document: dict[str, Any], extra_schema: bytes | None = None
) -> bytes:
    """Write the bytes of a document.

    Raise InvalidDocument for one that `decode_document` would refuse: it is never written.
    """
    noun = "record"
    if kind in ("model", "config"):
        noun = "settings"
    where = f"the new {kind} {noun}"
    data = emit.dump_document(document, where)
    validate_document(kind, document, None, where, extra_schema)
    return data
