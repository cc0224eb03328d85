"""The approval record: a named person's yes to one version for one stage
(`schemas/approval.schema.json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.references import PolicyReference, VersionReference, write_reference
from mlver.records.values import Document, read_format

ApprovalAction = Literal["approve", "revoke"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRecord:
    """`author` is who says yes, or takes it back.

    `record` is the digest of the version record's bytes they said it to, `policy` the one that it
    was given under, and `baseline` the version that held the stage. Format 1 has none of the last
    two, and nobody can take one back.
    """

    format: int = 2
    model: str
    version: str
    stage: str
    sequence: int
    action: ApprovalAction = "approve"
    created: str
    author: str
    message: str
    record: Digest
    policy: PolicyReference | None = None
    baseline: VersionReference | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ApprovalRecord:
        fields = {
            **document,
            "record": Digest.parse(document["record"]),
            "policy": PolicyReference.from_document(document.get("policy")),
            "baseline": VersionReference.from_document(document.get("baseline")),
        }
        del fields["schema"]
        return cls(format=read_format(document), **fields)

    def to_document(self) -> Document:
        document = {
            "schema": f"mlver/approval/{self.format}",
            "model": self.model,
            "version": self.version,
            "stage": self.stage,
            "sequence": self.sequence,
            "action": self.action,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "record": str(self.record),
            "policy": write_reference(self.policy),
            "baseline": write_reference(self.baseline),
        }
        if self.format == 1:
            del document["action"], document["policy"], document["baseline"]
        return document

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.approval_path(self.model, self.version, self.stage, self.sequence)
