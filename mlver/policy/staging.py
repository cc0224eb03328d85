"""How a stage moves: who holds it, what a promotion must show first, where a rollback goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlver.records.config import StageSettings
from mlver.records.promotion import GateResult, PromotionRecord

_DAMAGE_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StageCandidate:
    """What is known of a version that asks for a stage.

    `unsealed` is what is wrong with its seal, None when it is sealed, which `sealed` says in words. `damage` is None
    when its bytes were not checked; those of the data sets `unkept` never are.
    """

    version: str
    unsealed: str | None
    stages_held: frozenset[str]
    damage: tuple[str, ...] | None
    sealed: str = "sealed"
    unkept: tuple[str, ...] = ()


def stage_holder(history: Sequence[PromotionRecord]) -> str | None:
    """The version that holds a stage after `history` (oldest first); None when it was never held or was retired."""
    held = _stack_holders(history)
    return held[-1] if held else None


def rollback_target(history: Sequence[PromotionRecord]) -> str | None:
    """The version a rollback goes back to: the one that held the stage before the holder; None where none did."""
    held = _stack_holders(history)
    return held[-2] if len(held) > 1 else None


def _stack_holders(history: Sequence[PromotionRecord]) -> list[str]:
    """The holders as a stack: a promotion pushes, a rollback pops down to its target, a retirement empties.

    So a second rollback goes one further back, and never forward to the version just rolled back from.
    """
    held: list[str] = []
    for record in history:
        match record.action:
            case "promote":
                held.append(record.version)
            case "rollback":
                while held and held[-1] != record.version:
                    held.pop()
                if not held:
                    held.append(record.version)
            case "retire":
                held.clear()
    return held


def apply_gates(rule: StageSettings, candidate: StageCandidate) -> tuple[GateResult, ...]:
    """Every gate of a stage applied to a candidate, in the order they are shown and recorded."""
    gates = [_check_sealed(candidate)]
    gates += [_check_held_before(stage, candidate) for stage in rule.after]
    if rule.verified:
        gates.append(_check_verified_bytes(candidate))
    return tuple(gates)


def is_open(gates: Sequence[GateResult]) -> bool:
    """Only `pass` opens a gate: `inconclusive` keeps it shut."""
    return all(gate.result == "pass" for gate in gates)


def _check_sealed(candidate: StageCandidate) -> GateResult:
    return GateResult(
        gate="sealed",
        result="pass" if candidate.unsealed is None else "fail",
        expected="a version tag seals the record",
        actual=candidate.unsealed or candidate.sealed,
    )


def _check_held_before(stage: str, candidate: StageCandidate) -> GateResult:
    held = stage in candidate.stages_held
    return GateResult(
        gate=f"after {stage}",
        result="pass" if held else "fail",
        expected=f"the version has held {stage}",
        actual=f"has held {stage}" if held else f"never held {stage}",
    )


def _check_verified_bytes(candidate: StageCandidate) -> GateResult:
    expected = "every byte is present and right"
    if candidate.damage is None:
        return GateResult(
            gate="verified bytes", result="inconclusive", expected=expected, actual="not checked"
        )
    return GateResult(
        gate="verified bytes",
        result="fail" if candidate.damage else "pass",
        expected=expected,
        actual=_summarise_damage(candidate.damage) or describe_proof(candidate.unkept),
    )


def describe_proof(unkept: Sequence[str]) -> str:
    """What was proven of a version nothing is wrong with, but for the data sets that mlver keeps no copy of."""
    return (
        f"every byte kept checked; no copy is kept of {', '.join(unkept)}"
        if unkept
        else "every byte checked"
    )


def _summarise_damage(damage: Sequence[str]) -> str:
    """The first few: what a record keeps forever need not name ten thousand files."""
    more = len(damage) - _DAMAGE_NAMED
    return "; ".join(damage[:_DAMAGE_NAMED]) + (f"; and {more:,} more" if more > 0 else "")
