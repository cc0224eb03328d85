"""What people read of each node of a lineage."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.digest import Digest
from mlver.policy.chain import SealState
from mlver.policy.drift.recorded import describe_recorded
from mlver.project.lineage.graph import LineageNode
from mlver.records.artifact import Artifact
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.values import flatten_values
from mlver.records.version import CodeState, VersionRecord

_DONE = {"promote": "promoted to", "rollback": "rolled back to", "retire": "taken out of"}
_METRICS = 3


def describe_version(
    node: str,
    record: VersionRecord,
    digest: Digest,
    held: Mapping[str, SealState],
    *,
    is_sealed: bool,
    retired: str | None,
) -> LineageNode:
    """`held` are the stages it holds, and `retired` why it is retired; None where it is not."""
    remarks: list[str] = []
    if not is_sealed:
        remarks.append("unsealed")
    for stage, state in held.items():
        if state == "unsealed":
            remarks.append(f"no seal gives it {stage}")
    if retired is not None:
        remarks.append(f"retired: {retired}")
    if record.code.dirty:
        remarks.append("trained with uncommitted changes")
    return LineageNode(
        id=node,
        kind="version",
        name=f"{record.model} {record.version}",
        detail=next(iter(record.message.splitlines()), ""),
        digest=str(digest),
        created=record.created,
        stages=tuple(held),
        remarks=tuple(remarks),
    )


def describe_missing(node: str, model: str, version: str) -> LineageNode:
    return LineageNode(
        id=node, kind="version", name=f"{model} {version}", remarks=("no record that can be read",)
    )


def describe_data(node: str, name: str, artifact: Artifact) -> LineageNode:
    return LineageNode(
        id=node, kind="data", name=name, detail=artifact.path, digest=str(artifact.digest)
    )


def describe_code(node: str, code: CodeState) -> LineageNode:
    commit = code.commit or ""
    return LineageNode(id=node, kind="code", name=commit, detail=code.branch or "")


def describe_evaluation(record: EvaluationRecord, digest: Digest) -> LineageNode:
    number = f"{record.model}@{record.version}.{record.sequence}"
    return LineageNode(
        id=f"evaluation:{number}",
        kind="evaluation",
        name=f"on {', '.join(record.data)}",
        detail=_describe_measured(record),
        digest=str(digest),
        created=record.created,
    )


def _describe_measured(record: EvaluationRecord) -> str:
    if record.drift is not None:
        return describe_recorded(record.drift)
    metrics = list(flatten_values(record.metrics).items())
    shown = ", ".join(f"{name} {value:.6g}" for name, value in metrics[:_METRICS])
    more = f" and {len(metrics) - _METRICS:,} more" if len(metrics) > _METRICS else ""
    return f"{shown}{more}"


def describe_promotion(
    record: PromotionRecord, digest: Digest, state: SealState | None
) -> LineageNode:
    return LineageNode(
        id=f"promotion:{record.model}@{record.stage}.{record.sequence}",
        kind="promotion",
        name=f"{record.model}@{record.stage}.{record.sequence}",
        detail=f"{_DONE[record.action]} {record.stage}",
        digest=str(digest),
        created=record.created,
        remarks=("unsealed",) if state == "unsealed" else (),
    )
