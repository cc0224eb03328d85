"""The rollout record: what share of a stage's traffic a candidate has
(`schemas/rollout.schema.json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.promotion import Action, ApprovalReference, GateResult, PromotionRecord
from mlver.records.references import (
    PolicyReference,
    Renumbering,
    VersionReference,
    parse_digest,
    write_digest,
    write_reference,
)
from mlver.records.values import Document, drop_empty_values, read_format

RolloutAction = Literal["open", "move", "withdraw"]
RolloutStrategy = Literal["canary", "ab", "shadow", "blue-green"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutRecord:
    """`version` has `share` percent of the traffic of `stage`, in place of `baseline`.

    `withdraw` ends it: nothing is left of its share. `header` is what `ab` is sticky by. `policy`,
    `gates` and `approvals` are what let it in, nothing where no share was given. `record` is the
    digest of the version record's bytes, `prior` that of the rollout record before this one, and
    `because` that of the evidence that it was made on.
    """

    format: int = 1
    model: str
    stage: str
    sequence: int
    action: RolloutAction
    version: str
    strategy: RolloutStrategy
    share: float
    header: str | None = None
    created: str
    author: str
    message: str
    baseline: VersionReference
    policy: PolicyReference | None = None
    gates: tuple[GateResult, ...] = ()
    approvals: tuple[ApprovalReference, ...] = ()
    forced: bool = False
    because: Digest | None = None
    renumbered: Renumbering[int] | None = None
    record: Digest
    prior: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RolloutRecord:
        baseline = VersionReference.from_document(document["baseline"])
        assert baseline is not None
        fields = {
            **document,
            "baseline": baseline,
            "policy": PolicyReference.from_document(document["policy"]),
            "gates": tuple(map(GateResult.from_document, document["gates"])),
            "approvals": tuple(map(ApprovalReference.from_document, document["approvals"])),
            "because": parse_digest(document.get("because")),
            "renumbered": Renumbering[int].from_document(document.get("renumbered")),
            "record": Digest.parse(document["record"]),
            "prior": parse_digest(document["prior"]),
        }
        del fields["schema"]
        return cls(format=read_format(document), **fields)

    def to_document(self) -> Document:
        return {
            "schema": f"mlver/rollout/{self.format}",
            "model": self.model,
            "stage": self.stage,
            "sequence": self.sequence,
            "action": self.action,
            "version": self.version,
            "strategy": self.strategy,
            "share": self.share,
            **drop_empty_values(header=self.header),
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "baseline": self.baseline.to_document(),
            "policy": write_reference(self.policy),
            "gates": [gate.to_document() for gate in self.gates],
            "approvals": [approval.to_document() for approval in self.approvals],
            "forced": self.forced,
            **drop_empty_values(
                because=write_digest(self.because), renumbered=write_reference(self.renumbered)
            ),
            "record": str(self.record),
            "prior": write_digest(self.prior),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.rollout_path(self.model, self.stage, self.sequence)

    def as_promotion(self) -> SharedStage:
        """Describe it as the promotion that it is judged as.

        Without a share it asks no gate, as a stage that is emptied; and its end waits for no clock,
        as a rollback.
        """
        action: Action = "promote" if self.share else "retire"
        if self.action == "withdraw":
            action = "rollback"
        return SharedStage(
            model=self.model,
            stage=self.stage,
            sequence=self.sequence,
            action=action,
            version=self.version,
            previous=self.baseline.version,
            created=self.created,
            author=self.author,
            message=self.message,
            policy=self.policy,
            baseline=self.baseline,
            gates=self.gates,
            approvals=self.approvals,
            forced=self.forced,
            renumbered=self.renumbered,
            record=self.record,
            prior=self.prior,
        )


class SharedStage(PromotionRecord):
    """A rollout in the form of a promotion: it lies elsewhere, no tag seals it, and the gate
    `verdict`, which asks how it did in use, is not asked.
    """

    __slots__ = ()
    is_sealed: ClassVar[bool] = False

    def locate(self, sequence: int) -> str:
        return layout.rollout_path(self.model, self.stage, sequence)
