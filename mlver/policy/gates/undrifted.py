"""The gate `drift`: what a version is served did not move from what it was trained on.

It reads what `mlver drift --live --record` measured, and nothing else: no metric of that name, no
comparison of two versions, none of other data than the version's own. Of each data set the last one
counts. It is judged by the thresholds that the policy asks for, whatever those of its time were.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlver.digest import Digest
from mlver.errors import printable_name, shell_command
from mlver.policy.gates.gate import Gate, RecordedVersion, StageCandidate
from mlver.policy.gates.sampled import NOT_HERE
from mlver.policy.stage_policy import StagePolicy
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import GateResult
from mlver.records.sections.insight import DriftThresholds
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    from mlver.records.measured_drift import MeasuredDrift

_COLUMNS_NAMED = 3


def judge_drift_gate(candidate: StageCandidate, wanted: str) -> GateResult:
    thresholds = _read_thresholds(candidate.policy)
    asked = GateResult(
        gate=f"drift {wanted}",
        result="inconclusive",
        expected=_describe_thresholds(thresholds),
        actual="no drift of it is recorded",
    )
    if candidate.recorded is None:
        return asked
    results: list[GateResult] = []
    for evaluation, digest in _find_last(candidate.recorded):
        own = replace(asked, evidence=digest)
        results.append(_judge_evaluation(own, evaluation, candidate.recorded, thresholds))
    # The worst of its data sets decides.
    for answer in ("fail", "inconclusive"):
        for result in results:
            if result.result == answer:
                return result
    return results[-1] if results else asked


def _find_last(version: RecordedVersion) -> Sequence[tuple[EvaluationRecord, Digest]]:
    """Find the last comparison of each of its data sets with what is served; the last one last."""
    last: dict[str, tuple[EvaluationRecord, Digest]] = {}
    for evaluation, digest in sorted(version.evaluations, key=lambda pair: pair[0].sequence):
        drift = evaluation.drift
        if drift is None or drift.kind != "skew" or evaluation.record != version.digest:
            continue
        own = version.record.data.get(drift.dataset)
        if own is not None and own.digest == drift.digest:
            last.pop(drift.dataset, None)
            last[drift.dataset] = (evaluation, digest)
    return list(last.values())


def _judge_evaluation(
    asked: GateResult,
    evaluation: EvaluationRecord,
    version: RecordedVersion,
    thresholds: DriftThresholds,
) -> GateResult:
    # imported here: most stages ask for no drift
    from mlver.policy.drift.recorded import judge_recorded

    drift = evaluation.drift
    assert drift is not None
    when = f"on {evaluation.created}"
    doubt = _find_doubt(evaluation, drift, version.record, thresholds)
    fault = doubt or _find_contradiction(drift, version)
    if fault is not None:
        return replace(asked, actual=f"{when} {fault}")
    table = judge_recorded(drift, thresholds)
    moved, judged = len(table.drifted), table.judged
    of = f"of {judged:,} columns of {drift.dataset} had moved"
    if table.drifted:
        named = _name_columns(table.drifted)
        return replace(asked, result="fail", actual=f"{when} {moved:,} {of}: {named}")
    if table.removed:
        gone = f"{_name_columns(table.removed)} of {drift.dataset} was not in what is served"
        return replace(asked, result="fail", actual=f"{when} {gone}")
    if table.verdict == "inconclusive":
        unjudged = f"{_name_columns(table.unjudged)} of " if table.unjudged else ""
        return replace(asked, actual=f"{when} nobody could tell of {unjudged}{drift.dataset}")
    return replace(asked, result="pass", actual=f"{when} none {of}")


def _find_contradiction(drift: MeasuredDrift, version: RecordedVersion) -> str | None:
    """Say what the record of a comparison says against itself, or against its data's profile."""
    from mlver.policy.drift.contradictions import find_false_own, list_false_columns

    profile = version.profiles.get(drift.dataset)
    if profile is None and drift.dataset in version.record.kept.profiles:
        return f"it cannot be held against the profiles of {drift.dataset}, which {NOT_HERE}"
    fault = next(list_false_columns(drift), None)
    if fault is None and profile is not None:
        fault = find_false_own(drift, profile)
    return None if fault is None else f"it {fault}"


def _find_doubt(
    evaluation: EvaluationRecord,
    drift: MeasuredDrift,
    version: VersionRecord,
    thresholds: DriftThresholds,
) -> str | None:
    """Say why a comparison does not answer what the gate asks; None where it does."""
    from mlver.policy.drift.recorded import MOST_REPEATED, find_other_side

    name = drift.dataset
    served = find_other_side(evaluation)
    if served is None:
        return f"{name} was compared with bytes that nobody named"
    if served in {drift.digest, *(item.digest for item in version.data.values())}:
        return f"{name} was compared with data of the version itself"
    if drift.repeated is not None and drift.repeated > MOST_REPEATED:
        return f"{drift.repeated:.0%} of what was compared with {name} were rows of it"
    unseen = set(drift.ignored) - set(thresholds.ignore)
    if unseen:
        return f"{_name_columns(unseen)} of {name} was left out, which the policy asks for"
    return None


def _name_columns(names: Collection[str]) -> str:
    shown = [printable_name(name) for name in sorted(names)[:_COLUMNS_NAMED]]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _read_thresholds(policy: StagePolicy | None) -> DriftThresholds:
    if policy is None or not policy.drift:
        return DriftThresholds()
    return DriftThresholds.from_document(policy.drift)


def _describe_thresholds(thresholds: DriftThresholds) -> str:
    asked = (
        f"no column moved: KS {thresholds.ks}, JS {thresholds.js}, PSI {thresholds.psi},"
        f" p {thresholds.p}, {thresholds.rows:,} rows"
    )
    if thresholds.ignore:
        asked += f"; without {_name_columns(thresholds.ignore)}"
    return asked


def suggest_commands(ref: str, _: GateResult) -> tuple[str, ...]:
    """The drift that is to be recorded."""
    return (shell_command("mlver", "drift", ref, "--live", "FILE", "--record"),)


GATE = Gate(judge=judge_drift_gate, suggest_commands=suggest_commands)
