"""A recorded drift is held against its version, its own numbers and the profiles of its tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.policy.drift.recorded import (
    find_false_measure,
    keep_columns,
    list_contradictions,
)
from mlver.policy.drift.verdict import measure_tables
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.measured_drift import MeasuredDrift
from tests.policy.drift.drifts import TRAIN, make_drift, make_drift_record
from tests.policy.drift.test_verdict import draw, profile_numbers, table
from tests.policy.gates.candidates import make_artifact, make_record

VERSION = make_record(data={"train": make_artifact(TRAIN)})
OLD = table(profile_numbers(draw(1, 500), "x"), profile_numbers(draw(2, 500), "y"))
NEW = table(profile_numbers(draw(3, 500, 1.0), "x"), profile_numbers(draw(4, 500), "y"))
MEASURED = measure_tables(OLD, NEW)
DRIFT = make_drift(
    old_rows=500, new_rows=500, columns=keep_columns(MEASURED), removed=MEASURED.removed
)


def test_a_drift_survives_its_record() -> None:
    drift = make_drift(1, repeated=0.25, removed=("label",), ignored=("row",))
    record = make_drift_record(drift)
    assert EvaluationRecord.from_document(record.to_document()) == record
    document = drift.to_document()["columns"][0]
    assert document == {
        **{"name": "c0", "kind": "number", "old_count": 400, "new_count": 400},
        **{"ks": 0.5, "psi": 1.0, "js": 0.3, "p": 1e-30},
    }


CONTRADICTIONS: dict[str, tuple[EvaluationRecord, str]] = {
    "other data": (
        make_drift_record(make_drift(digest=Digest.of_bytes(b"x"))),
        "measured a drift of train, which is not the data of 1.1.0",
    ),
    "no such data": (
        make_drift_record(make_drift(dataset="test")),
        "measured a drift of test, which is not the data of 1.1.0",
    ),
    "fewer moved": (
        make_drift_record(make_drift(2), metrics={"drift": {"columns": 0, "judged": 5}}),
        "says how many columns had moved, and its own distances say otherwise",
    ),
    "nothing named": (
        make_drift_record(make_drift(), data={"live": ServedData(served="today.csv")}),
        "measured a drift, and does not name by its digest what was compared",
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_a_contradiction_is_named(case: str) -> None:
    record, words = CONTRADICTIONS[case]
    assert list(list_contradictions(record, VERSION)) == [words]


@pytest.mark.parametrize("kind", ["skew", "drift"])
def test_a_record_that_agrees_with_itself_is_no_alarm(kind: Any) -> None:
    record = make_drift_record(make_drift(2, kind=kind))
    assert list(list_contradictions(record, VERSION)) == []


def test_what_the_profiles_tell_again_is_no_alarm() -> None:
    assert find_false_measure(DRIFT, OLD, NEW) is None
    assert find_false_measure(replace(DRIFT, exact=False), OLD, NEW) is None
    nearly = measure_tables(OLD, NEW, (), {"x": (MEASURED.columns[0].ks or 0) + 0.003})
    exact = replace(DRIFT, columns=keep_columns(nearly))
    assert find_false_measure(exact, OLD, NEW) is None
    assert find_false_measure(replace(exact, exact=False), OLD, NEW) is not None


def change(place: int, **fields: Any) -> MeasuredDrift:
    columns = list(DRIFT.columns)
    columns[place] = replace(columns[place], **fields)
    return replace(DRIFT, columns=tuple(columns))


FORGED = {
    "rows": (replace(DRIFT, new_rows=501), "how many rows"),
    "a column that is gone": (replace(DRIFT, columns=DRIFT.columns[1:]), "which columns"),
    "a distance": (change(0, ks=0.02), "of x how far it moved"),
    "another distance": (change(0, psi=0.02), "of x how far it moved"),
    "a probability": (change(0, p=0.9), "of x how far it moved"),
    "missing values": (change(1, new_missing=0.5), "of y how far it moved"),
    "a distance that nobody can tell": (change(1, ks=None), "of y how far it moved"),
    "a column that was there": (replace(DRIFT, removed=("z",)), "which columns were not"),
    "a column that was looked at": (replace(DRIFT, ignored=("z",)), "which columns were not"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_forged_measure_is_named(case: str) -> None:
    drift, words = FORGED[case]
    fault = find_false_measure(drift, OLD, NEW)
    assert fault is not None
    assert words in fault
    assert fault.endswith(", and the kept profiles say otherwise")
