"""The gate `verified`: every byte of the version is present and right."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult, Result
from mlver.records.values import Leaf

_DAMAGE_NAMED = 3


def judge_bytes(candidate: StageCandidate, _: object) -> GateResult:
    if candidate.damage is None:
        return _build_result("inconclusive", "not checked")
    if candidate.damage:
        return _build_result("fail", _summarise_damage(candidate.damage))
    checked = "every byte checked"
    if candidate.elsewhere:
        checked += f", but not {', '.join(candidate.elsewhere)}, at an address"
    return prove_bytes(checked)


def prove_bytes(checked: str, unkept: Sequence[str] = ()) -> GateResult:
    """The result for a proven version: what was checked, and the data sets without a copy here."""
    if not unkept:
        return _build_result("pass", checked)
    return _build_result("pass", f"{checked}; no copy is kept of {', '.join(unkept)}")


def _build_result(result: Result, actual: Leaf) -> GateResult:
    return GateResult(
        gate="verified bytes",
        result=result,
        expected="every byte is present and right",
        actual=actual,
    )


def _summarise_damage(damage: Sequence[str]) -> str:
    # What a record keeps for ever need not name ten thousand files.
    parts = list(damage[:_DAMAGE_NAMED])
    more = len(damage) - _DAMAGE_NAMED
    if more > 0:
        parts.append(f"and {more:,} more")
    return "; ".join(parts)


def suggest_commands(ref: str, _: GateResult) -> tuple[str, ...]:
    return (shell_command("mlver", "verify", ref),)


GATE = Gate(judge=judge_bytes, suggest_commands=suggest_commands)
