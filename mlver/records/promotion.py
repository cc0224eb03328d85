"""The promotion record: one move of a stage (`schemas/promotion.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.references import (
    AdoptedTag,
    PolicyReference,
    Renumbering,
    VersionReference,
    parse_digest,
    write_digest,
    write_reference,
)
from mlver.records.values import Document, Leaf, drop_empty_values, read_format

Action = Literal["promote", "rollback", "retire"]
Result = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What one gate asked for, what it saw, and what it said; only `pass` opens it.

    `baseline` is what it saw of the version that held the stage, `data` the digest of the data set
    it was measured on, `evidence` that of the record the value was read from.
    """

    gate: str
    result: Result
    expected: Leaf
    actual: Leaf
    baseline: Leaf = None
    data: Digest | None = None
    evidence: Digest | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GateResult:
        digests = {}
        for key in ("data", "evidence"):
            digests[key] = parse_digest(document.get(key))
        return cls(**{**document, **digests})

    def to_document(self) -> Document:
        return {
            "gate": self.gate,
            "result": self.result,
            "expected": self.expected,
            "actual": self.actual,
            **drop_empty_values(
                baseline=self.baseline,
                data=write_digest(self.data),
                evidence=write_digest(self.evidence),
            ),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalReference:
    """An approval that counted: who gave it, and the digest of the approval record's bytes.

    `signed` names the key that signed it; None where none did.
    """

    approver: str
    record: Digest
    signed: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ApprovalReference:
        return cls(**{**document, "record": Digest.parse(document["record"])})

    def to_document(self) -> Document:
        return {
            "approver": self.approver,
            "record": str(self.record),
            **drop_empty_values(signed=self.signed),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionRecord:
    """A stage moves to `version`, away from `previous` (None: the stage was empty).

    `retire` empties the stage; `version` then names the one that leaves it. `record` is the digest
    of the version record's bytes, `prior` that of the promotion record before this one, which
    chains the stage's history.

    `policy` is what judged, None where nothing did; `baseline` is the version that held the stage.
    `because` is the digest of the evidence that it was made on, `rollout` that of the rollout
    record that it closes.
    """

    format: int = 2
    model: str
    stage: str
    sequence: int
    action: Action
    version: str
    previous: str | None
    created: str
    author: str
    message: str
    policy: PolicyReference | None = None
    baseline: VersionReference | None = None
    gates: tuple[GateResult, ...] = ()
    approvals: tuple[ApprovalReference, ...] = ()
    forced: bool = False
    because: Digest | None = None
    rollout: Digest | None = None
    adopted: AdoptedTag | None = None
    renumbered: Renumbering[int] | None = None
    record: Digest
    prior: Digest | None
    # Whether a tag seals it.
    is_sealed: ClassVar[bool] = True

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PromotionRecord:
        fields = {
            **document,
            "gates": tuple(map(GateResult.from_document, document["gates"])),
            "approvals": tuple(map(ApprovalReference.from_document, document["approvals"])),
            "record": Digest.parse(document["record"]),
            "prior": parse_digest(document["prior"]),
            "policy": PolicyReference.from_document(document.get("policy")),
            "baseline": VersionReference.from_document(document.get("baseline")),
            "because": parse_digest(document.get("because")),
            "rollout": parse_digest(document.get("rollout")),
            "adopted": AdoptedTag.from_document(document.get("adopted")),
            "renumbered": Renumbering[int].from_document(document.get("renumbered")),
        }
        del fields["schema"]
        return cls(format=read_format(document), **fields)

    def to_document(self) -> Document:
        document = {
            "schema": f"mlver/promotion/{self.format}",
            "model": self.model,
            "stage": self.stage,
            "sequence": self.sequence,
            "action": self.action,
            "version": self.version,
            "previous": self.previous,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "policy": write_reference(self.policy),
            "baseline": write_reference(self.baseline),
            "gates": [gate.to_document() for gate in self.gates],
            "approvals": [approval.to_document() for approval in self.approvals],
            "forced": self.forced,
            **drop_empty_values(
                because=write_digest(self.because),
                rollout=write_digest(self.rollout),
                adopted=write_reference(self.adopted),
                renumbered=write_reference(self.renumbered),
            ),
            "record": str(self.record),
            "prior": write_digest(self.prior),
        }
        if self.format == 1:
            del document["policy"], document["baseline"]
        return document

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return self.locate(self.sequence)

    def locate(self, sequence: int) -> str:
        """Where the record of this number lies that it is chained with."""
        return layout.promotion_path(self.model, self.stage, sequence)
