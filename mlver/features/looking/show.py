"""`mlver show`: one version whole."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.policy.chain import judge_seal
from mlver.project.project import Project
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.approval import ApprovalRecord
from mlver.records.evaluation import EvaluationRecord
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowResult:
    """`digest` is of the record's bytes at `path`; `commit` is where its tag points, None where it has none.

    `unsealed` says what is wrong with its seal, None when its tag seals it. `landed` is the commit that landed a record
    adopted from a tag, which can seal nothing.
    """

    record: VersionRecord
    digest: str
    path: str
    tag: str | None
    commit: str | None
    unsealed: str | None
    landed: str | None
    stages: tuple[str, ...]
    evaluations: tuple[EvaluationRecord, ...]
    approvals: tuple[ApprovalRecord, ...]


def show_version(project: Project, ref: str | None) -> ShowResult:
    """Everything known of the version `ref` names."""
    chosen = project.resolve_ref(ref)
    record, digest = project.registry.read_version(chosen.model, chosen.version)
    tag, seal = seals.read_tagged_seals(project, chosen.model, [chosen.version]).get(
        record.version, (None, None)
    )
    broken = judge_seal(chosen.model, chosen.version, digest, seal)
    held = project.registry.find_holders(chosen.model)
    return ShowResult(
        record=record,
        digest=str(digest),
        path=layout.version_path(chosen.model, chosen.version),
        tag=tag.name if tag else None,
        commit=tag.commit if tag else None,
        unsealed="; ".join(link.message for link in broken) or None,
        landed=seal.landing.commit if seal and seal.landing else None,
        stages=tuple(stage for stage, version in held.items() if version == record.version),
        evaluations=tuple(project.registry.read_evaluations(chosen.model, chosen.version)),
        approvals=tuple(project.registry.read_approvals(chosen.model, chosen.version)),
    )
