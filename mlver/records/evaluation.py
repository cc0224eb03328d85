"""The evaluation record: metrics measured after registration (`schemas/evaluation.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.references import parse_digest, write_digest
from mlver.records.values import (
    Document,
    Metrics,
    Values,
    drop_empty_values,
    read_format,
    thaw_value,
)
from mlver.records.version import CodeState, TrainingEnvironment

if TYPE_CHECKING:
    from mlver.records.measured_drift import MeasuredDrift


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedData:
    """What was served, in place of a data set; `digest` is of the bytes that were read of it."""

    served: str
    digest: Digest | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ServedData:
        return cls(served=document["served"], digest=parse_digest(document.get("digest")))

    def to_document(self) -> Document:
        return {"served": self.served, **drop_empty_values(digest=write_digest(self.digest))}


MeasuredData: TypeAlias = Artifact | ServedData


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingWindow:
    """When something was served; its keys in a document are `from` and `to`."""

    start: str
    end: str

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ServingWindow:
        return cls(start=document["from"], end=document["to"])

    def to_document(self) -> Document:
        return {"from": self.start, "to": self.end}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """`metrics` of the version whose record has the digest `record`, measured on what is in `data`.

    `count` is the number of examples, `samples` the digest of a file with a score for each. Times
    (`duration`, `label_age`) are in seconds. `untouched`: the version's files held the same bytes
    afterwards. `coverage` is the share of what was served in `window` for which the truth is known.
    `drift` is how far two tables were apart, of a record that `mlver drift` made.
    """

    format: int = 2
    model: str
    version: str
    sequence: int
    created: str
    author: str
    message: str
    record: Digest
    data: Mapping[str, MeasuredData]
    metrics: Metrics
    count: int | None = None
    samples: Digest | None = None
    code: CodeState | None = None
    environment: TrainingEnvironment | None = None
    duration: float | None = None
    resources: Mapping[str, float] = field(default_factory=dict)
    untouched: bool | None = None
    window: ServingWindow | None = None
    coverage: float | None = None
    label_age: float | None = None
    drift: MeasuredDrift | None = None
    command: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    extra: Values = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> EvaluationRecord:
        fields = {
            **document,
            "record": Digest.parse(document["record"]),
            "data": {name: _read_data(part) for name, part in document["data"].items()},
            "samples": parse_digest(document.get("samples")),
        }
        del fields["schema"]
        if "code" in document:
            fields["code"] = CodeState.from_document(document["code"])
        if "environment" in document:
            fields["environment"] = TrainingEnvironment.from_document(document["environment"])
        if "window" in document:
            fields["window"] = ServingWindow.from_document(document["window"])
        if "drift" in document:
            # imported here: most evaluations are no drift
            from mlver.records.measured_drift import MeasuredDrift

            fields["drift"] = MeasuredDrift.from_document(document["drift"])
        return cls(format=read_format(document), **fields)

    def to_document(self) -> Document:
        return {
            "schema": f"mlver/evaluation/{self.format}",
            "model": self.model,
            "version": self.version,
            "sequence": self.sequence,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "record": str(self.record),
            "data": {name: part.to_document() for name, part in self.data.items()},
            "metrics": thaw_value(self.metrics),
            **drop_empty_values(
                count=self.count,
                samples=write_digest(self.samples),
                code=None if self.code is None else self.code.to_document(),
                environment=None if self.environment is None else self.environment.to_document(),
                duration=self.duration,
                resources=dict(self.resources),
                untouched=self.untouched,
                window=None if self.window is None else self.window.to_document(),
                coverage=self.coverage,
                label_age=self.label_age,
                drift=None if self.drift is None else self.drift.to_document(),
                command=self.command,
                labels=dict(self.labels),
                extra=thaw_value(self.extra),
            ),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.evaluation_path(self.model, self.version, self.sequence)


# The evaluations of one version, oldest first, each with the digest of its record's bytes.
EvaluationHistory: TypeAlias = Sequence[tuple[EvaluationRecord, Digest]]


def _read_data(document: Mapping[str, Any]) -> MeasuredData:
    if "served" in document:
        return ServedData.from_document(document)
    return Artifact.from_document(document)
