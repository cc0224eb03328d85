"""Turns the bytes of records into records, or takes what was parsed before from the cache.

Many records are asked for together: the cache is a database, and thousands of questions take
longer than a few.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from mlver.digest import Digest
from mlver.errors import BOTH_SIDES, InvalidDocument, MlverError
from mlver.system.state import StateDatabase

if TYPE_CHECKING:
    from mlver.document.schema import Kind

Built = TypeVar("Built")
Builder: TypeAlias = Callable[[Mapping[str, Any]], Built]
# The path, for messages, and the bytes.
RecordFile: TypeAlias = tuple[str, bytes]


def parse_record(
    kind: Kind, build: Builder[Built], file: RecordFile, cache: StateDatabase | None
) -> Built:
    """The record in a file; raise MlverError for what is none."""
    (outcome,) = parse_records(kind, build, [file], cache)
    if isinstance(outcome, MlverError):
        raise outcome
    return outcome


def parse_records(
    kind: Kind, build: Builder[Built], files: Sequence[RecordFile], cache: StateDatabase | None
) -> list[Built | MlverError]:
    """The record in each file, or why it is none, in the same order.

    With a `cache`, what was parsed before is taken from there, and what is parsed now is kept.
    """
    if cache is None:
        return [_parse_file(kind, build, file)[1] for file in files]
    # With the kind, so that bytes valid as one kind are not taken for another unchecked.
    prefix = f"{kind}\0".encode()
    keys = [Digest.of_bytes(prefix + data).hex for _, data in files]
    kept_texts = cache.get_documents(keys)
    parsed_texts: dict[str, str] = {}
    outcomes: list[Built | MlverError] = []
    for key, file in zip(keys, files, strict=True):
        built = _build_kept(build, kept_texts.get(key))
        if built is not None:
            outcomes.append(built)
            continue
        document, outcome = _parse_file(kind, build, file)
        if document is not None:
            parsed_texts[key] = json.dumps(document)
        outcomes.append(outcome)
    cache.put_documents(parsed_texts.items())
    return outcomes


def _build_kept(build: Builder[Built], text: str | None) -> Built | None:
    if text is None:
        return None
    # What cannot be built was never a document that was checked.
    with suppress(KeyError, TypeError, ValueError, AttributeError, RecursionError, MlverError):
        return build(json.loads(text))
    return None


def _parse_file(
    kind: Kind, build: Builder[Built], file: RecordFile
) -> tuple[Mapping[str, Any] | None, Built | MlverError]:
    """The document and its record; None and why it cannot be read."""
    # imported here: where all was parsed before, nothing is
    from mlver.document import codec
    from mlver.document.conflicts import holds_conflict

    path, data = file
    try:
        document = codec.decode_document(kind, data, path)
        return document, build(document)
    except MlverError as error:
        if holds_conflict(data):
            return None, InvalidDocument(path, (BOTH_SIDES,), hint="mlver resolve")
        return None, error
