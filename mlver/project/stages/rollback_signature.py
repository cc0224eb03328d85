"""A rollback of a stage whose rule asks for signatures is signed, too."""

from __future__ import annotations

from dataclasses import replace

from mlver.errors import MlverError
from mlver.policy.approvals import ApprovalSignature, SignatureFacts
from mlver.policy.gates.gate import NOBODY
from mlver.policy.gates.signed import GATE, suggest_commands
from mlver.project.history.policies import read_judging_rules
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project, ResolvedRef
from mlver.project.tags.signatures import judge_promoter, judge_signatures
from mlver.records.promotion import GateResult


def require_signature(
    project: Project, stage: str, chosen: ResolvedRef, history: StageHistory
) -> tuple[GateResult, ...]:
    """Judge the gate `signed` of a rollback; nothing where no rule asks for it.

    A version that held the stage by a promotion with that gate open was judged then: a key that was
    removed since must not stop a rollback. Raise MlverError where the gate is shut.
    """
    judging = read_judging_rules(project, stage)
    if not any(policy.rule.get("signed") for policy in judging.policies):
        return ()
    record, digest = project.registry.read_version(chosen.model, chosen.version)
    signatures = judge_signatures(project, record, digest)
    if signatures.seal.kind != "good" and _was_signed(history, str(chosen.version)):
        vouched = ApprovalSignature(kind="good", signer="whoever did when it held the stage")
        signatures = SignatureFacts(seal=vouched, promotion=judge_promoter(project))
    candidate = replace(NOBODY, version=str(chosen.version), signatures=signatures)
    result = GATE.judge(candidate, True)
    if result.result != "pass":
        raise MlverError(
            f"{chosen.model} {chosen.version} may not have {stage} again: the rule asks for"
            f" signatures, and {result.actual}",
            hints=suggest_commands(f"{chosen.model}@{chosen.version}", result),
        )
    return (result,)


def _was_signed(history: StageHistory, version: str) -> bool:
    for record, _ in history:
        passed = [gate.gate for gate in record.gates if gate.result == "pass"]
        if record.version == version and "signed" in passed and not record.forced:
            return True
    return False
