"""An artifact: a file or a directory that a version pins by content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.digest import Digest
from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """`size` is in bytes and `files` a count, over the whole directory.

    `stored`: its bytes are in the object store.
    """

    path: str
    digest: Digest
    size: int
    files: int
    format: str | None = None
    stored: bool
    batch: str | None = None
    license: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Artifact:
        return cls(**{**document, "digest": Digest.parse(document["digest"])})

    def to_document(self) -> Document:
        return {
            "path": self.path,
            "digest": str(self.digest),
            "size": self.size,
            "files": self.files,
            **drop_empty_values(format=self.format),
            "stored": self.stored,
            **drop_empty_values(batch=self.batch, license=self.license),
        }


def artifacts_from_document(document: Mapping[str, Any]) -> dict[str, Artifact]:
    """The data sets of a record, by name."""
    return {name: Artifact.from_document(item) for name, item in document.get("data", {}).items()}


def artifacts_to_document(data: Mapping[str, Artifact]) -> Document:
    return {name: artifact.to_document() for name, artifact in data.items()}
