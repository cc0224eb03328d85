"""The note record: a remark about a version that stays (`schemas/note.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.references import read_chained_fields, write_digest
from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """A rollback of `stage` to the version, rehearsed while `holder` held it.

    `files` and `bytes` were restored to a scratch folder, within so many whole `seconds`.
    """

    stage: str
    holder: str
    files: int
    bytes: int
    seconds: int

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> DrillReport | None:
        return None if document is None else cls(**document)

    def to_document(self) -> Document:
        return {
            "stage": self.stage,
            "holder": self.holder,
            "files": self.files,
            "bytes": self.bytes,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRecord:
    """A remark about the version whose record has the digest `record`.

    `drill` is what a drill of a rollback to the version found, None for any other remark, and in
    format 1. `prior` is the digest of the note before it, None for the first.
    """

    format: int = 2
    model: str
    version: str
    sequence: int
    created: str
    author: str
    message: str
    drill: DrillReport | None = None
    record: Digest
    prior: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> NoteRecord:
        fields = {
            **read_chained_fields(document),
            "drill": DrillReport.from_document(document.get("drill")),
        }
        return cls(**fields)

    def to_document(self) -> Document:
        return {
            "schema": f"mlver/note/{self.format}",
            "model": self.model,
            "version": self.version,
            "sequence": self.sequence,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            **drop_empty_values(drill=None if self.drill is None else self.drill.to_document()),
            "record": str(self.record),
            "prior": write_digest(self.prior),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.note_path(self.model, self.version, self.sequence)
