"""The evaluation record: metrics measured after registration (`schemas/evaluation.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.artifact import Artifact, artifacts_from_document, artifacts_to_document
from mlver.records.values import Document, Metrics, Values, drop_empty_values, thaw_value


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """`metrics` of the version whose record has the digest `record`, measured on the data sets in
    `data`.
    """

    schema: ClassVar[str] = "mlver/evaluation/1"

    model: str
    version: str
    sequence: int
    created: str
    author: str
    message: str
    record: Digest
    data: Mapping[str, Artifact]
    metrics: Metrics
    command: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    extra: Values = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> EvaluationRecord:
        fields = {
            **document,
            "record": Digest.parse(document["record"]),
            "data": artifacts_from_document(document),
        }
        del fields["schema"]
        return cls(**fields)

    def to_document(self) -> Document:
        return {
            "schema": self.schema,
            "model": self.model,
            "version": self.version,
            "sequence": self.sequence,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "record": str(self.record),
            "data": artifacts_to_document(self.data),
            "metrics": thaw_value(self.metrics),
            **drop_empty_values(
                command=self.command, labels=dict(self.labels), extra=thaw_value(self.extra)
            ),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.evaluation_path(self.model, self.version, self.sequence)
