"""A record's bytes and its document: read strictly, written so that it can be read.

Reader, writer and judge are imported when they are first needed: a record that was read before
needs none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlver.document.schema import Kind


def decode_document(
    kind: Kind, data: bytes, where: str, extra_schema: bytes | None = None
) -> dict[str, Any]:
    """The document in `data`.

    Raise InvalidDocument, naming `where`, with every fault, its line and key path.
    """
    from mlver.document import strict
    from mlver.document.schema import validate_document

    parsed = strict.load_document(data, where)
    validate_document(kind, parsed.value, parsed.lines, where, extra_schema)
    document: dict[str, Any] = parsed.value
    return document


def encode_document(
    kind: Kind, document: dict[str, Any], extra_schema: bytes | None = None
) -> bytes:
    """The bytes of a document.

    Raise InvalidDocument for one that `decode` would refuse: it is never written.
    """
    from mlver.document import emit
    from mlver.document.schema import validate_document

    noun = "settings" if kind in ("model", "config") else "record"
    where = f"the new {kind} {noun}"
    data = emit.dump_document(document, where)
    validate_document(kind, document, None, where, extra_schema)
    return data
