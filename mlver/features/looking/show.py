"""`mlver show`: one version whole."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.digest import Digest
from mlver.findings import Finding
from mlver.policy.chain import SealState, judge_seal
from mlver.project.history.lost_code import describe_lost_code
from mlver.project.project import Project
from mlver.project.tags import promotion_seals, seals
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowResult:
    """One version; `digest` is of the record's bytes at `path`.

    `commit` is where its tag points, None without a tag. `unsealed` says what is wrong with its
    seal, None when its tag seals it. `landed` is the commit that landed a record adopted from a
    tag, which can seal nothing. `unsealed_stages` are those of its stages that it was given by a
    promotion which no tag seals. `lost_code` says that nothing here leads to its code commit.
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
    evaluations: tuple[EvaluationRecord, ...]
    approvals: tuple[ApprovalRecord, ...]
    lost_code: Finding | None


def show_version(project: Project, ref: str | None) -> ShowResult:
    """Everything known of the version that `ref` names."""
    chosen = project.resolve_ref(ref)
    model = chosen.model
    registry = project.registry
    record, digest = registry.read_version(model, chosen.version)
    tagged = seals.read_tagged_seals(project, model, [chosen.version])
    version_tag, tag_seal = tagged.get(record.version, (None, None))
    broken = judge_seal(model, chosen.version, digest, tag_seal)
    states = _find_stage_seals(project, model, record.version)
    return ShowResult(
        record=record,
        digest=str(digest),
        path=layout.version_path(model, chosen.version),
        tag=version_tag.name if version_tag else None,
        commit=version_tag.commit if version_tag else None,
        unsealed="; ".join(f"{finding.subject} {finding.message}" for finding in broken) or None,
        landed=tag_seal.landing.commit if tag_seal and tag_seal.landing else None,
        stages=tuple(states),
        unsealed_stages=tuple(stage for stage, state in states.items() if state == "unsealed"),
        evaluations=tuple(registry.read_evaluations(model, chosen.version)),
        approvals=tuple(registry.read_approvals(model, chosen.version)),
        lost_code=next(describe_lost_code(project, [record]), None),
    )


def _find_stage_seals(project: Project, model: str, version: str) -> dict[str, SealState]:
    """The stages that a version holds, and how the promotion that gave it each is sealed."""
    holdings: dict[str, tuple[PromotionRecord, Digest]] = {}
    for stage in project.registry.list_stages(model):
        holding = project.registry.find_holding(model, stage)
        if holding is not None and holding[0].version == version:
            holdings[stage] = holding
    return dict(promotion_seals.read_shown_seals(project, model, (), holdings).stages)
