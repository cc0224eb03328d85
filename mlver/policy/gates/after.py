"""The gate `after`: the version has held another stage before."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.policy.chain import UNSEALED_HINTS
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult

_UNSEALED = " by a promotion that no tag seals"


def judge_stages_held(candidate: StageCandidate, stage: str) -> GateResult:
    expected = f"the version has held {stage}"
    if stage in candidate.stages_held:
        return GateResult(
            gate=f"after {stage}", result="pass", expected=expected, actual=f"has held {stage}"
        )
    actual = f"never held {stage}"
    if stage in candidate.stages_unsealed:
        actual = f"held {stage}{_UNSEALED}"
    return GateResult(gate=f"after {stage}", result="fail", expected=expected, actual=actual)


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    if str(result.actual).endswith(_UNSEALED):
        return UNSEALED_HINTS
    stage = result.gate.removeprefix("after ")
    return (shell_command("mlver", "promote", ref, "--to", stage, "-m", "WHY"),)


GATE = Gate(judge=judge_stages_held, suggest_commands=suggest_commands)
