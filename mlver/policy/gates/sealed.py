"""The gate `sealed`, which every stage has: a tag seals the version's record."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult


def judge_seal(candidate: StageCandidate, _: object) -> GateResult:
    return GateResult(
        gate="sealed",
        result="pass" if candidate.unsealed is None else "fail",
        expected="a version tag seals the record",
        actual=candidate.unsealed or candidate.sealed,
    )


def suggest_commands(ref: str, _: GateResult) -> tuple[str, ...]:
    return ("mlver tag", shell_command("mlver", "verify", ref))


GATE = Gate(judge=judge_seal, suggest_commands=suggest_commands)
