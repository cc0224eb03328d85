"""The approval record: a named person's yes to one version for one stage
(`schemas/approval.schema.json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.values import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecord:
    """`author` is who says yes.

    `record` is the digest of the version record's bytes they said it to.
    """

    schema: ClassVar[str] = "mlver/approval/1"

    model: str
    version: str
    stage: str
    sequence: int
    created: str
    author: str
    message: str
    record: Digest

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ApprovalRecord:
        fields = {**document, "record": Digest.parse(document["record"])}
        del fields["schema"]
        return cls(**fields)

    def to_document(self) -> Document:
        return {
            "schema": self.schema,
            "model": self.model,
            "version": self.version,
            "stage": self.stage,
            "sequence": self.sequence,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "record": str(self.record),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.approval_path(self.model, self.version, self.stage, self.sequence)
