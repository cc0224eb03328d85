"""The gate `drift` reads what `mlver drift` measured of the very record, by the policy's word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.policy.drift.probabilities import find_counts_p
from mlver.policy.gates.gate import RecordedVersion, StageCandidate
from mlver.policy.gates.table import apply_policy, suggest_commands
from mlver.policy.stage_policy import StagePolicy
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.measured_drift import MeasuredDrift
from mlver.records.profile import TableProfile
from mlver.records.promotion import GateResult
from mlver.records.references import KeptPins
from mlver.records.sections.insight import DriftThresholds
from tests.policy.drift.drifts import TRAIN, make_column, make_drift, make_drift_record
from tests.policy.drift.test_verdict import draw, profile_numbers, table
from tests.policy.gates.candidates import make_artifact, make_record

RECORD, OTHER = Digest.of_bytes(b"record"), Digest.of_bytes(b"other")
WHEN = "on 2026-01-02T03:04:05Z"
LOOSE = DriftThresholds(ks=0.9, js=0.9, psi=9, p=0.0001)


def measure(sequence: int, drift: MeasuredDrift, **fields: Any) -> EvaluationRecord:
    return make_drift_record(drift, sequence=sequence, **fields)


def judge(
    *evaluations: EvaluationRecord,
    known: bool = True,
    asked: DriftThresholds | None = None,
    profile: TableProfile | None = None,
    kept: KeptPins | None = None,
    **data: Any,
) -> GateResult:
    data_sets = {"train": make_artifact(TRAIN), "golden": make_artifact(OTHER), **data}
    recorded = RecordedVersion(
        record=make_record(data=data_sets, kept=kept or KeptPins()),
        digest=RECORD,
        evaluations=[(found, Digest.of_bytes(b"%d" % found.sequence)) for found in evaluations],
        profiles={} if profile is None else {"train": profile},
    )
    candidate = StageCandidate(
        version="1.0.0",
        unsealed=None,
        stages_held=frozenset(),
        damage=None,
        recorded=recorded if known else None,
    )
    policy = StagePolicy(
        rule={"drift": "none"}, drift=asked.to_document() if asked is not None else {}
    )
    return {result.gate: result for result in apply_policy(policy, candidate)}["drift none"]


def test_the_last_recorded_drift_counts_and_is_named_as_evidence() -> None:
    passed = judge(measure(1, make_drift(2)), measure(2, make_drift(0)))
    assert (passed.result, passed.actual, passed.evidence) == (
        "pass",
        f"{WHEN} none of 5 columns of train had moved",
        Digest.of_bytes(b"2"),
    )
    moved = judge(measure(1, make_drift(0)), measure(2, make_drift(2)))
    assert (moved.result, moved.actual, moved.evidence) == (
        "fail",
        f"{WHEN} 2 of 5 columns of train had moved: c0, c1",
        Digest.of_bytes(b"2"),
    )


def test_the_thresholds_that_the_policy_asks_for_are_said() -> None:
    asked = DriftThresholds(ks=0.2, rows=100, ignore=("id", "row"))
    assert judge(asked=asked).expected == (
        "no column moved: KS 0.2, JS 0.02, PSI 0.2, p 0.05, 100 rows; without id, row"
    )


def test_thresholds_that_were_loosened_for_the_recording_open_nothing() -> None:
    drift = make_drift(2, thresholds=LOOSE)
    record = measure(1, drift)
    assert record.metrics == {
        "drift": {"columns": 0, "judged": 5, "ks": 0.5, "psi": 1.0, "js": 0.3}
    }
    assert judge(record).result == "fail"
    assert judge(record, asked=LOOSE).result == "pass"
    stricter = DriftThresholds(ks=0.01, p=0.9)
    assert judge(measure(1, make_drift(0)), asked=stricter).result == "fail"


def test_fewer_rows_than_the_policy_asks_for_tell_nothing() -> None:
    columns = tuple(make_column(f"c{place}", new_count=150) for place in range(5))
    few = make_drift(columns=columns, new_rows=150, thresholds=DriftThresholds(rows=100))
    result = judge(measure(1, few))
    assert (result.result, result.actual) == (
        "inconclusive",
        f"{WHEN} nobody could tell of c0, c1, c2 and 2 more of train",
    )


def test_columns_that_were_left_out_are_asked_for() -> None:
    dropped = make_drift(0, ignored=("income",), thresholds=DriftThresholds(ignore=("income",)))
    result = judge(measure(1, dropped))
    assert (result.result, result.actual) == (
        "inconclusive",
        f"{WHEN} income of train was left out, which the policy asks for",
    )
    assert judge(measure(1, dropped), asked=DriftThresholds(ignore=("income",))).result == "pass"


def test_columns_that_are_not_served_are_asked_for() -> None:
    gone = make_drift(0, removed=("d", "b", "a", "c"))
    result = judge(measure(1, gone))
    assert (result.result, result.actual) == (
        "fail",
        f"{WHEN} a, b, c and 1 more of train was not in what is served",
    )
    assert judge(measure(1, gone), asked=DriftThresholds(ignore=tuple("abcd"))).result == "pass"


def test_a_column_that_nobody_can_judge_shuts_the_gate() -> None:
    """Whoever lets few values through, or other texts in each row, proves nothing of them."""
    few = make_column("income", old_count=400, new_count=199, new_missing=0.5025)
    few = replace(few, missing_p=find_counts_p((0, 400), (201, 199)))
    names = make_column("name", ks=None, psi=None, js=None)
    for column in (replace(few, p=few.p), names):
        drift = make_drift(columns=(make_column("age"), column))
        thresholds = DriftThresholds(ks=0.9, psi=9)
        result = judge(measure(1, drift), asked=thresholds)
        assert (result.result, result.actual) == (
            "inconclusive",
            f"{WHEN} nobody could tell of {column.name} of train",
        )
        ignoring = replace(thresholds, ignore=(column.name,))
        assert judge(measure(1, drift), asked=ignoring).result == "pass"


def test_a_record_that_contradicts_itself_opens_nothing() -> None:
    forged = make_column("c", moved=True)
    result = judge(measure(1, make_drift(columns=(replace(forged, p=0.9),))))
    assert (result.result, result.actual) == (
        "inconclusive",
        f"{WHEN} it says of c how likely chance gives such a distance, and its own numbers say"
        " otherwise",
    )


def test_a_record_that_leaves_out_what_the_data_have_opens_nothing() -> None:
    own = table(profile_numbers(draw(1, 400), "c0"), profile_numbers(draw(2, 400), "income"))
    alone = make_drift(columns=(make_column("c0"),))
    result = judge(measure(1, alone), profile=own)
    assert (result.result, result.actual) == (
        "inconclusive",
        f"{WHEN} it leaves out income of train, and the kept profile says otherwise",
    )
    whole = make_drift(columns=(make_column("c0"), make_column("income")))
    assert judge(measure(1, whole), profile=own).result == "pass"


def test_a_profile_that_is_pinned_and_not_here_is_missed() -> None:
    """Whoever can push could take it away, beside a record that leaves out a column."""
    pins = KeptPins(profiles={"train": OTHER})
    result = judge(measure(1, make_drift()), kept=pins)
    assert (result.result, result.actual) == (
        "inconclusive",
        f"{WHEN} it cannot be held against the profiles of train, which are not here",
    )


def test_a_column_that_the_policy_leaves_out_may_move() -> None:
    assert judge(measure(1, make_drift(1)), asked=DriftThresholds(ignore=("c0",))).result == "pass"


@pytest.mark.parametrize("digest", [TRAIN, OTHER])
def test_data_of_the_version_is_nothing_that_was_served(digest: Digest) -> None:
    served = {"live": ServedData(served="copy.csv", digest=digest)}
    result = judge(measure(1, make_drift(0), data=served))
    assert (result.result, result.actual) == (
        "inconclusive",
        f"{WHEN} train was compared with data of the version itself",
    )


def test_rows_that_repeat_the_data_set_are_nothing_that_was_served() -> None:
    result = judge(measure(1, make_drift(0, repeated=0.98)))
    assert (result.result, result.actual) == (
        "inconclusive",
        f"{WHEN} 98% of what was compared with train were rows of it",
    )
    assert judge(measure(1, make_drift(0, repeated=0.5))).result == "pass"


@pytest.mark.parametrize("data", [{}, {"live": ServedData(served="x.csv")}])
def test_what_was_served_has_to_be_named_by_its_digest(data: Any) -> None:
    assert judge(measure(1, make_drift(0), data=data)).result == "inconclusive"


UNRELATED = {
    "two versions": make_drift(0, kind="drift"),
    "a data set that it has not": make_drift(0, dataset="test"),
    "other data of that name": make_drift(0, digest=Digest.of_bytes(b"before")),
}


@pytest.mark.parametrize("case", UNRELATED)
def test_an_unrelated_comparison_is_no_answer(case: str) -> None:
    unrelated = measure(2, UNRELATED[case])
    assert judge(unrelated).actual == "no drift of it is recorded"
    assert judge(measure(1, make_drift(1)), unrelated).result == "fail"
    assert judge(measure(1, make_drift(0)), unrelated).evidence == Digest.of_bytes(b"1")


def test_each_data_set_has_its_own_last_answer() -> None:
    golden = make_drift(0, dataset="golden", digest=OTHER)
    result = judge(measure(1, make_drift(1)), measure(2, golden))
    assert (result.result, result.evidence) == ("fail", Digest.of_bytes(b"1"))
    both = judge(measure(1, make_drift(0)), measure(2, golden))
    assert (both.result, both.evidence) == ("pass", Digest.of_bytes(b"2"))


def test_a_metric_that_is_called_drift_opens_nothing() -> None:
    named = replace(measure(1, make_drift(0)), drift=None)
    assert judge(named).actual == "no drift of it is recorded"


def test_without_a_recorded_drift_nobody_can_tell() -> None:
    for judged in (judge(), judge(known=False), judge(measure(1, make_drift(0), record=OTHER))):
        assert (judged.result, judged.actual) == ("inconclusive", "no drift of it is recorded")
    silent = make_drift(0, columns=(make_column("key", ks=None, psi=None, js=None, p=None),))
    assert judge(measure(1, silent)).result == "inconclusive"


def test_the_next_command_records_a_drift() -> None:
    assert suggest_commands("m@1.0.0", [judge()]) == ("mlver drift m@1.0.0 --live FILE --record",)
