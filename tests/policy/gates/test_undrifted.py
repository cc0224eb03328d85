"""The gate `drift` judges by the last recorded drift of the very record, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.digest import Digest
from mlver.policy.gates.gate import RecordedVersion, StageCandidate
from mlver.policy.gates.table import apply_gates, suggest_commands
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.promotion import GateResult
from mlver.records.sections.stages import StageSettings
from tests.policy.gates.candidates import make_record

RECORD, OTHER = Digest.of_bytes(b"record"), Digest.of_bytes(b"other")


def evaluation(sequence: int, metrics: Any, record: Digest = RECORD) -> EvaluationRecord:
    return EvaluationRecord(
        model="m",
        version="1.0.0",
        sequence=sequence,
        created="2026-01-02T03:04:05Z",
        author="Kim <kim@example.org>",
        message="",
        record=record,
        data={"live": ServedData(served="today.csv")},
        metrics=metrics,
    )


def drift(sequence: int, moved: int, judged: int = 5, record: Digest = RECORD) -> EvaluationRecord:
    return evaluation(sequence, {"drift": {"columns": moved, "judged": judged}}, record)


def judge(*evaluations: EvaluationRecord, known: bool = True) -> GateResult:
    recorded = RecordedVersion(
        record=make_record(),
        digest=RECORD,
        evaluations=[(found, Digest.of_bytes(b"%d" % found.sequence)) for found in evaluations],
    )
    candidate = StageCandidate(
        version="1.0.0",
        unsealed=None,
        stages_held=frozenset(),
        damage=None,
        recorded=recorded if known else None,
    )
    rule = StageSettings(gates={"requires": {"drift": "none"}})
    return {result.gate: result for result in apply_gates(rule, candidate)}["drift none"]


def test_the_last_recorded_drift_counts() -> None:
    assert judge(drift(1, 2), drift(2, 0)).result == "pass"
    moved = judge(drift(1, 0), drift(2, 2))
    assert (moved.result, moved.actual) == (
        "fail",
        "on 2026-01-02T03:04:05Z 2 of 5 columns had moved",
    )


def test_without_a_recorded_drift_nobody_can_tell() -> None:
    for judged in (judge(), judge(known=False), judge(evaluation(1, {"accuracy": 0.9}))):
        assert (judged.result, judged.actual) == ("inconclusive", "no drift of it is recorded")
    assert judge(drift(1, 0, record=OTHER)).result == "inconclusive"
    assert judge(drift(1, 0, judged=0)).result == "inconclusive"


@pytest.mark.parametrize("metrics", [{"drift": 0}, {"drift": {"columns": 0.5, "judged": 1}}])
def test_other_numbers_of_that_name_tell_nothing(metrics: Any) -> None:
    assert judge(evaluation(1, metrics)).result == "inconclusive"


def test_the_next_command_records_a_drift() -> None:
    assert suggest_commands("m@1.0.0", [judge()]) == ("mlver drift m@1.0.0 --live FILE --record",)
