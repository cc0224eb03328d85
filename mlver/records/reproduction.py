"""The reproduction record: a version that was trained again
(`schemas/reproduction.schema.json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.references import read_chained_fields, write_digest
from mlver.records.values import Document, Metrics, drop_empty_values, thaw_value

ReproductionAnswer = Literal["identical", "within", "different"]
# How far numbers may be apart and count as equal, where nobody says so.
DEFAULT_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedValues:
    """How far two sets of tensors are apart: the `largest` difference of two numbers, and the
    largest relative one of a tensor (L2); None where a number stands against one that is none.
    """

    tensors: int
    largest: float | None
    relative: float | None
    tolerance: float

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> ComparedValues | None:
        return None if document is None else cls(**document)

    def to_document(self) -> Document:
        return {
            "tensors": self.tensors,
            "largest": self.largest,
            "relative": self.relative,
            "tolerance": self.tolerance,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionEnvironment:
    """Where a version was trained again; `source` is what that environment was made from."""

    source: str
    python: str
    platform: str
    processor: str | None = None
    blas: str | None = None
    accelerator: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ReproductionEnvironment:
        return cls(**document)

    def to_document(self) -> Document:
        return {
            "source": self.source,
            "python": self.python,
            "platform": self.platform,
            **drop_empty_values(
                processor=self.processor, blas=self.blas, accelerator=self.accelerator
            ),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferingInput:
    """What went in otherwise, or may have: `recorded` is None where nobody recorded it."""

    name: str
    recorded: str | None
    found: str | None

    def to_document(self) -> Document:
        return {"name": self.name, "recorded": self.recorded, "found": self.found}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReproductionRecord:
    """What came of training the version again whose record has the digest `record`.

    `weights` is the digest of what came out, and `differing` says in what it differs. `prior` is
    the digest of the reproduction before it, None for the first.
    """

    format: int = 1
    model: str
    version: str
    sequence: int
    created: str
    author: str
    message: str
    answer: ReproductionAnswer
    weights: Digest
    values: ComparedValues | None = None
    metrics: Metrics = field(default_factory=dict)
    command: str
    duration: float
    environment: ReproductionEnvironment
    inputs: tuple[DifferingInput, ...]
    differing: tuple[str, ...]
    record: Digest
    prior: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ReproductionRecord:
        fields = {
            **read_chained_fields(document),
            "weights": Digest.parse(document["weights"]),
            "values": ComparedValues.from_document(document.get("values")),
            "environment": ReproductionEnvironment.from_document(document["environment"]),
            "inputs": tuple(DifferingInput(**item) for item in document["inputs"]),
            "differing": tuple(document["differing"]),
        }
        return cls(**fields)

    def to_document(self) -> Document:
        return {
            "schema": f"mlver/reproduction/{self.format}",
            "model": self.model,
            "version": self.version,
            "sequence": self.sequence,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "answer": self.answer,
            "weights": str(self.weights),
            **drop_empty_values(
                values=None if self.values is None else self.values.to_document(),
                metrics=thaw_value(self.metrics),
            ),
            "command": self.command,
            "duration": self.duration,
            "environment": self.environment.to_document(),
            "inputs": [item.to_document() for item in self.inputs],
            "differing": list(self.differing),
            "record": str(self.record),
            "prior": write_digest(self.prior),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.reproduction_path(self.model, self.version, self.sequence)
