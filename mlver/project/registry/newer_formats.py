"""Records of a newer mlver: what writes a record of the same model stops there.

What such a record says is unknown here, so a new one beside it could contradict it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlver.document import codec
from mlver.document.schema import NEWEST_FORMATS, Kind
from mlver.errors import MlverError, NewerFormat
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout


def refuse_newer_formats(registry: RecordRegistry, model: str) -> None:
    """Raise NewerFormat where a model's highest version, or the last promotion of one of its
    stages, is of a format that this mlver does not know.

    Only these are looked at, however many there are. Other faults are left to those who read the
    records.
    """
    for kind, record_path in _list_newest_records(registry, model):
        try:
            record_bytes = registry.read_file(record_path) or b""
            # Parsing a record takes far longer than looking at its first line.
            if not _begins_known(kind, record_bytes):
                codec.decode_document(kind, record_bytes, record_path)
        except NewerFormat:
            raise
        except MlverError:
            continue


def _list_newest_records(registry: RecordRegistry, model: str) -> Iterator[tuple[Kind, str]]:
    newest_versions, _ = registry.list_newest(model, 1)
    for version in newest_versions:
        yield "version", layout.version_path(model, version)
    for stage in registry.list_stages(model):
        sequences = registry.list_sequences(layout.stage_folder(model, stage))
        if sequences:
            yield "promotion", layout.promotion_path(model, stage, sequences[-1])


def _begins_known(kind: Kind, data: bytes) -> bool:
    """Say whether the first line, which mlver writes first, names a format that is known here."""
    first_line, _, _ = data.partition(b"\n")
    numbers = range(1, NEWEST_FORMATS[kind] + 1)
    return any(first_line == f"schema: mlver/{kind}/{number}".encode() for number in numbers)
