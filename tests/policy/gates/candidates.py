"""Versions, evaluations and stages for the tests of gates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlver.digest import Digest
from mlver.policy.gates.gate import AskedStage, RecordedVersion, StageCandidate
from mlver.policy.gates.table import apply_policy
from mlver.policy.stage_policy import StagePolicy
from mlver.records.artifact import Artifact
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import GateResult
from mlver.records.version import CodeState, VersionRecord

GOLDEN = Digest.of_bytes(b"golden")
OTHER = Digest.of_bytes(b"another golden")


def make_artifact(digest: Digest = GOLDEN, **fields: Any) -> Artifact:
    return Artifact(
        **{"path": "a", "digest": digest, "size": 1, "files": 1, "stored": True, **fields}
    )


def make_record(version: str = "1.1.0", **fields: Any) -> VersionRecord:
    usual: dict[str, Any] = {
        "model": "m",
        "version": version,
        "created": "2026-01-01T00:00:00Z",
        "author": "A <a@b>",
        "message": "why",
        "parent": None,
        "update": "full",
        "code": CodeState(commit="1" * 40, branch="main", dirty=False),
        "weights": make_artifact(),
    }
    return VersionRecord(**{**usual, **fields})


def make_version(
    version: str = "1.1.0",
    metrics: Mapping[str, Any] | None = None,
    *evaluated: Mapping[str, Any] | EvaluationRecord,
    **fields: Any,
) -> RecordedVersion:
    """A version with these metrics in its record, and these on the golden data, oldest first."""
    digest = Digest.of_bytes(version.encode())
    evaluations: list[tuple[EvaluationRecord, Digest]] = []
    for sequence, item in enumerate(evaluated, start=1):
        evaluation = item
        if not isinstance(evaluation, EvaluationRecord):
            evaluation = make_evaluation(version, evaluation, sequence)
        evaluations.append((evaluation, Digest.of_bytes(f"{version} {sequence}".encode())))
    record = make_record(version, metrics=metrics or {}, **fields)
    return RecordedVersion(record=record, digest=digest, evaluations=evaluations)


def make_evaluation(
    version: str, metrics: Mapping[str, Any], sequence: int = 1, **fields: Any
) -> EvaluationRecord:
    usual: dict[str, Any] = {
        "model": "m",
        "version": version,
        "sequence": sequence,
        "created": "2026-01-01T00:00:00Z",
        "author": "A <a@b>",
        "message": "why",
        "record": Digest.of_bytes(version.encode()),
        "data": {"golden": make_artifact()},
        "metrics": metrics,
    }
    return EvaluationRecord(**{**usual, **fields})


def make_candidate(
    recorded: RecordedVersion | None,
    holder: RecordedVersion | None = None,
    *,
    is_held: bool = True,
) -> StageCandidate:
    stage = AskedStage(name="production", holder=holder, is_held=is_held and holder is not None)
    return StageCandidate(
        version="1.1.0",
        unsealed=None,
        stages_held=frozenset(),
        damage=None,
        recorded=recorded,
        stage=stage,
    )


def judge(rule: Mapping[str, Any], candidate: StageCandidate, **sections: Any) -> list[GateResult]:
    """Judge by the gates of a rule, bar that of the seal, with the golden data pinned."""
    datasets = sections.pop("datasets", {"golden": str(GOLDEN)})
    policy = StagePolicy(rule=rule, datasets=datasets, **sections)
    return [gate for gate in apply_policy(policy, candidate) if gate.gate != "sealed"]


def judge_one(rule: Mapping[str, Any], candidate: StageCandidate, **sections: Any) -> GateResult:
    (result,) = judge(rule, candidate, **sections)
    return result
