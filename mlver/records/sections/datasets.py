"""The section `datasets`: which bytes the data sets are that rules name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.digest import Digest
from mlver.records.values import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPin:
    """A data set at `path` in the repository; `digest` is what a rule means by its name."""

    path: str
    digest: Digest

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DatasetPin:
        return cls(path=document["path"], digest=Digest.parse(document["digest"]))

    def to_document(self) -> Document:
        return {"path": self.path, "digest": str(self.digest)}


def read_datasets(document: Mapping[str, Any]) -> dict[str, DatasetPin]:
    """The pins by name, in the order they are listed."""
    return {name: DatasetPin.from_document(pin) for name, pin in document.items()}


def write_datasets(datasets: Mapping[str, DatasetPin]) -> Document:
    return {name: pin.to_document() for name, pin in datasets.items()}
