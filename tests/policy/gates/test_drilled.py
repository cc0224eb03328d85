"""The gate `drilled` judges the age of the last drill, and by nothing else."""

from __future__ import annotations

import pytest

from mlver.policy.gates.gate import StageCandidate, StageDrills
from mlver.policy.gates.table import apply_gates, suggest_commands
from mlver.records.promotion import GateResult
from mlver.records.sections.stages import StageSettings

NOW = "2026-06-15T12:00:00Z"


def judge(facts: StageDrills | None, longest: str = "30d") -> GateResult:
    candidate = StageCandidate(
        version="1.1.0", unsealed=None, stages_held=frozenset(), damage=None, drills=facts
    )
    rule = StageSettings(gates={"requires": {"drilled": longest}})
    results = {result.gate: result for result in apply_gates(rule, candidate)}
    return results[f"drilled {longest}"]


def drilled(when: str | None, holder: str | None = "1.0.0") -> StageDrills:
    return StageDrills(
        stage="production", holder=holder, drilled=when, version="0.9.0" if when else None, now=NOW
    )


@pytest.mark.parametrize(
    ("when", "longest", "result"),
    [
        ("2026-06-15T12:00:00Z", "1h", "pass"),
        ("2026-06-15T11:00:00Z", "1h", "pass"),
        ("2026-06-15T10:59:59Z", "1h", "fail"),
        ("2026-05-16T12:00:00Z", "30d", "pass"),
        ("2026-05-16T11:59:59Z", "30d", "fail"),
        ("2026-06-15T12:10:00Z", "30d", "pass"),
        ("2026-06-15T12:30:00Z", "30d", "inconclusive"),
        (None, "30d", "inconclusive"),
    ],
)
def test_a_drill_counts_for_so_long(when: str | None, longest: str, result: str) -> None:
    judged = judge(drilled(when), longest)
    assert judged.result == result
    assert judged.expected == f"a rollback of the stage was rehearsed, at most {longest} ago"
    if result != "pass":
        command = "mlver drill m --stage production --to 1.0.0 --record"
        assert suggest_commands("m@1.1.0", [judged]) == (command,)


def test_without_a_holder_there_is_nothing_to_go_back_to() -> None:
    assert judge(drilled(None, holder=None)).result == "pass"


def test_where_nobody_looked_it_stays_shut() -> None:
    judged = judge(None)
    assert judged.result == "inconclusive"
    command = "mlver drill m --stage STAGE --record"
    assert suggest_commands("m@1.1.0", [judged]) == (command,)
