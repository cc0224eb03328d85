"""One reason is enough to train again, and what nobody can tell is never taken for a no."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.evaluated_metrics import choose_evaluations
from mlver.policy.gates.gate import RecordedVersion
from mlver.policy.retraining import (
    CurrentData,
    DueAnswer,
    DueCheck,
    MeasuredVersion,
    ScoreRule,
    conclude_checks,
    judge_age,
    judge_data,
    judge_drift,
    judge_score,
)
from mlver.records.sections.insight import DriftThresholds
from tests.policy.drift.drifts import TRAIN, make_drift, make_drift_record
from tests.policy.gates.candidates import make_artifact, make_evaluation, make_record, make_version

OLD, NEW = Digest.of_bytes(b"old"), Digest.of_bytes(b"new")


@pytest.mark.parametrize(
    ("now", "answer", "says"),
    [
        ("2026-01-31T00:00:00Z", "current", "30 days old, of at most 30d"),
        ("2026-01-31T00:00:01Z", "due", "30 days old, of at most 30d"),
        ("2026-01-02T00:00:00Z", "current", "1 day old, of at most 30d"),
        ("2025-12-31T23:59:59Z", "unknown", "it is dated 2026-01-01T00:00:00Z, which lies ahead"),
    ],
)
def test_a_version_may_be_as_old_as_the_settings_say(now: str, answer: str, says: str) -> None:
    check = judge_age("2026-01-01T00:00:00Z", now, "30d", 30 * 86_400)
    assert (check.answer, check.says) == (answer, says)


def test_other_data_is_a_reason_and_missing_data_is_unknown() -> None:
    here = CurrentData(digest=OLD, source="data/train.csv")
    assert judge_data("train", OLD, here).says == "data/train.csv is what it was trained on"
    assert judge_data("train", NEW, here).answer == "due"
    added = judge_data("extra", None, here)
    assert (added.answer, added.evidence) == ("due", str(OLD))
    gone = judge_data("train", OLD, CurrentData(fault="it is not here", hints=("mlver pull",)))
    assert (gone.answer, gone.says, gone.hints) == ("unknown", "it is not here", ("mlver pull",))


def find_drift(*moved: int) -> DueCheck:
    records = [
        make_drift_record(make_drift(count), sequence=number)
        for number, count in enumerate(moved, 1)
    ]
    version = RecordedVersion(
        record=make_record(data={"train": make_artifact(TRAIN)}),
        digest=Digest.of_bytes(b"record"),
        evaluations=[(found, Digest.of_bytes(b"%d" % found.sequence)) for found in records],
    )
    return judge_drift(version, DriftThresholds())


def test_the_last_recorded_drift_is_a_reason() -> None:
    assert find_drift(0, 2).answer == "due"
    assert find_drift(2, 0).answer == "current"
    assert find_drift(0, 2).evidence == str(Digest.of_bytes(b"2"))


def test_without_a_recorded_drift_nobody_knows() -> None:
    check = find_drift()
    assert (check.answer, check.says) == ("unknown", "no drift of it is recorded")
    assert check.hints == ("mlver drift m@1.1.0 --live FILE --record",)


def judge(rule: ScoreRule, version: RecordedVersion, promoted: str | None = None) -> list[DueCheck]:
    last = choose_evaluations(version.evaluations, version.digest, {})
    return list(judge_score(MeasuredVersion(version=version, last=last, promoted=promoted), rule))


def test_the_last_evaluation_has_to_reach_the_limit() -> None:
    version = make_version("1.1.0", {"accuracy": 0.99}, {"accuracy": 0.95}, {"accuracy": 0.9})
    (met,) = judge(ScoreRule(metric="accuracy", limit=0.9), version)
    assert (met.answer, met.says) == ("current", "0.9, asked: at least 0.9")
    (fallen,) = judge(ScoreRule(metric="accuracy", limit=0.91), version)
    assert (fallen.check, fallen.answer) == ("metric accuracy on golden", "due")


def test_where_lower_is_better_the_limit_is_the_most() -> None:
    version = make_version("1.1.0", {"loss": 0.1}, {"loss": 0.3})
    asked: dict[str, Any] = {"metric": "loss", "direction": "lower"}
    assert judge(ScoreRule(limit=0.3, **asked), version)[0].answer == "current"
    assert judge(ScoreRule(limit=0.2, **asked), version)[0].answer == "due"
    assert judge(ScoreRule(fall="100%", **asked), version)[0].answer == "due"
    assert judge(ScoreRule(fall=0.2, **asked), version)[0].answer == "current"


def test_a_fall_is_measured_from_the_promotion() -> None:
    first = make_evaluation("1.1.0", {"accuracy": 0.97}, created="2026-01-02T00:00:00Z", sequence=1)
    last = make_evaluation("1.1.0", {"accuracy": 0.94}, created="2026-02-01T00:00:00Z", sequence=2)
    version = make_version("1.1.0", {"accuracy": 0.95}, first, last)
    rule = ScoreRule(metric="accuracy", fall=0.02)
    assert judge(rule, version, "2026-01-03T00:00:00Z")[0].answer == "due"
    # before any evaluation, it was what was registered
    assert judge(rule, version, "2026-01-01T12:00:00Z")[0].answer == "current"
    (unknown,) = judge(rule, make_version("1.1.0", {}, last))
    assert unknown.says == "0.94, and nobody knows what it was when promoted"


def test_a_metric_that_nobody_measured_is_unknown() -> None:
    (check,) = judge(ScoreRule(metric="f1", limit=0.9), make_version("1.1.0", {"f1": 0.5}))
    assert (check.answer, check.says) == ("unknown", "no evaluation of it has this metric")
    (odd,) = judge(ScoreRule(metric="f1", limit=0.9), make_version("1.1.0", {}, {"f1": "high"}))[:1]
    assert odd.answer == "unknown"


@given(st.lists(st.sampled_from(["due", "current", "unknown"])))
def test_nothing_outweighs_a_reason_and_nothing_unknown_is_a_no(answers: list[DueAnswer]) -> None:
    checks = [DueCheck(check="age", answer=answer, says="") for answer in answers]
    concluded = conclude_checks(checks)
    assert (concluded == "due") == ("due" in answers)
    assert (concluded == "current") == (set(answers) <= {"current"})
