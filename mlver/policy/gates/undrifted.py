"""The gate `drift`: data did not move, by the last `mlver drift --record` of the version."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, RecordedVersion, StageCandidate
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import GateResult, Result

# What `drift --record` keeps as metrics: how many columns moved, of how many that were judged.
METRICS, MOVED, JUDGED = "drift", "columns", "judged"


def judge_drift_gate(candidate: StageCandidate, wanted: str) -> GateResult:
    result, actual = _judge(None if candidate.recorded is None else _find_last(candidate.recorded))
    return GateResult(
        gate=f"drift {wanted}",
        result=result,
        expected="no column moved when it was last recorded",
        actual=actual,
    )


def _find_last(version: RecordedVersion) -> EvaluationRecord | None:
    """Find the last evaluation of this very record that says whether data moved."""
    own = [
        evaluation
        for evaluation, _ in version.evaluations
        if evaluation.record == version.digest and METRICS in evaluation.metrics
    ]
    return max(own, key=lambda found: found.sequence, default=None)


def _judge(evaluation: EvaluationRecord | None) -> tuple[Result, str]:
    if evaluation is None:
        return "inconclusive", "no drift of it is recorded"
    measured = evaluation.metrics[METRICS]
    counts: Mapping[str, object] = measured if isinstance(measured, Mapping) else {}
    moved, judged = counts.get(MOVED), counts.get(JUDGED)
    when = f"on {evaluation.created}"
    if not isinstance(moved, int) or not isinstance(judged, int) or judged < 1:
        return "inconclusive", f"{when} nobody could tell"
    if moved > 0:
        return "fail", f"{when} {moved:,} of {judged:,} columns had moved"
    return "pass", f"{when} none of {judged:,} columns had moved"


def suggest_commands(ref: str, _: GateResult) -> tuple[str, ...]:
    """The drift that is to be recorded."""
    return (shell_command("mlver", "drift", ref, "--live", "FILE", "--record"),)


GATE = Gate(judge=judge_drift_gate, suggest_commands=suggest_commands)
