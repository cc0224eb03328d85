"""The promotion record: one move of a stage (`schemas/promotion.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.values import Document, Leaf

Action = Literal["promote", "rollback", "retire"]
Result = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What one gate asked for, what it saw, and what it said; only `pass` opens it."""

    gate: str
    result: Result
    expected: Leaf
    actual: Leaf

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GateResult:
        return cls(**document)

    def to_document(self) -> Document:
        return {
            "gate": self.gate,
            "result": self.result,
            "expected": self.expected,
            "actual": self.actual,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalReference:
    """An approval that counted: who gave it, and the digest of the approval record's bytes."""

    approver: str
    record: Digest

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ApprovalReference:
        return cls(approver=document["approver"], record=Digest.parse(document["record"]))

    def to_document(self) -> Document:
        return {"approver": self.approver, "record": str(self.record)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """A stage moves to `version`, away from `previous` (None: the stage was empty).

    `retire` empties the stage; `version` then names the one that leaves it. `record` is the digest
    of the version record's bytes, `prior` that of the promotion record before this one, which
    chains the stage's history.
    """

    schema: ClassVar[str] = "mlver/promotion/1"

    model: str
    stage: str
    sequence: int
    action: Action
    version: str
    previous: str | None
    created: str
    author: str
    message: str
    gates: tuple[GateResult, ...] = ()
    approvals: tuple[ApprovalReference, ...] = ()
    forced: bool = False
    record: Digest
    prior: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PromotionRecord:
        fields = {
            **document,
            "gates": tuple(map(GateResult.from_document, document["gates"])),
            "approvals": tuple(map(ApprovalReference.from_document, document["approvals"])),
            "record": Digest.parse(document["record"]),
            "prior": None if document["prior"] is None else Digest.parse(document["prior"]),
        }
        del fields["schema"]
        return cls(**fields)

    def to_document(self) -> Document:
        return {
            "schema": self.schema,
            "model": self.model,
            "stage": self.stage,
            "sequence": self.sequence,
            "action": self.action,
            "version": self.version,
            "previous": self.previous,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "gates": [gate.to_document() for gate in self.gates],
            "approvals": [approval.to_document() for approval in self.approvals],
            "forced": self.forced,
            "record": str(self.record),
            "prior": None if self.prior is None else str(self.prior),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.promotion_path(self.model, self.stage, self.sequence)
