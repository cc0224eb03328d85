"""The gate `after`: the version has held another stage before."""

from __future__ import annotations

from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult


def judge_stages_held(candidate: StageCandidate, stage: str) -> GateResult:
    expected = f"the version has held {stage}"
    if stage in candidate.stages_held:
        return GateResult(
            gate=f"after {stage}", result="pass", expected=expected, actual=f"has held {stage}"
        )
    return GateResult(
        gate=f"after {stage}", result="fail", expected=expected, actual=f"never held {stage}"
    )


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    stage = result.gate.removeprefix("after ")
    return (f"mlver promote {ref} --to {stage} -m WHY",)


GATE = Gate(judge=judge_stages_held, suggest_commands=suggest_commands)
