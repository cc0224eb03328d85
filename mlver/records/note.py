"""The note record: a remark about a version that stays (`schemas/note.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.references import parse_digest, write_digest
from mlver.records.values import Document, read_format


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRecord:
    """A remark about the version whose record has the digest `record`.

    `prior` is the digest of the note before it, None for the first.
    """

    format: int = 1
    model: str
    version: str
    sequence: int
    created: str
    author: str
    message: str
    record: Digest
    prior: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> NoteRecord:
        fields = {
            **document,
            "record": Digest.parse(document["record"]),
            "prior": parse_digest(document["prior"]),
        }
        del fields["schema"]
        return cls(format=read_format(document), **fields)

    def to_document(self) -> Document:
        return {
            "schema": f"mlver/note/{self.format}",
            "model": self.model,
            "version": self.version,
            "sequence": self.sequence,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "record": str(self.record),
            "prior": write_digest(self.prior),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.note_path(self.model, self.version, self.sequence)
