"""What `mlver show` answers: one version whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlver.findings import Finding
from mlver.project.rollouts.open_shares import OpenShare
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.note import NoteRecord
from mlver.records.reproduction import ReproductionRecord
from mlver.records.retirement import RetirementRecord
from mlver.records.rollout import RolloutRecord
from mlver.records.verdict import VerdictRecord
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    from mlver.features.looking.architecture import Architecture


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowResult:
    """One version; `digest` is of the record's bytes at `path`.

    `commit` is where its tag points, None without a tag. `unsealed` says what is wrong with its
    seal, None when its tag seals it. `landed` is the commit that landed a record adopted from a
    tag, which can seal nothing. `unsealed_stages` are those of its stages that it was given by a
    promotion which no tag seals, `unconfirmed_stages` those by one whose author neither its commit
    nor its seal confirms. `unconfirmed_remarks` are the paths of notes and retirements whose author
    no commit of theirs names. `lost_code` says that nothing here leads to its code commit. `shares`
    are those of its rollouts that are open.
    `architecture` is what its tensors tell, None where nothing was kept of them.
    `secrets` are its secret parameters in plain text, by dotted name; None where no key was given.
    """

    record: VersionRecord
    digest: str
    path: str
    tag: str | None
    commit: str | None
    unsealed: str | None
    landed: str | None
    stages: tuple[str, ...]
    unsealed_stages: tuple[str, ...]
    unconfirmed_stages: tuple[str, ...]
    evaluations: tuple[EvaluationRecord, ...]
    approvals: tuple[ApprovalRecord, ...]
    reproductions: tuple[ReproductionRecord, ...]
    verdicts: tuple[VerdictRecord, ...]
    rollouts: tuple[RolloutRecord, ...]
    shares: tuple[OpenShare, ...]
    notes: tuple[NoteRecord, ...]
    retirements: tuple[RetirementRecord, ...]
    unconfirmed_remarks: tuple[str, ...]
    lost_code: Finding | None
    architecture: Architecture | None
    secrets: Mapping[str, Any] | None
