"""A recorded drift is held against its version, its own numbers and the profiles of its tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.policy.drift.contradictions import find_false_own
from mlver.policy.drift.recorded import (
    find_false_measure,
    keep_columns,
    list_contradictions,
)
from mlver.policy.drift.verdict import measure_tables
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.measured_drift import MeasuredColumn, MeasuredDrift
from tests.policy.drift.drifts import TRAIN, make_column, make_drift, make_drift_record
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
        **{"ks": 0.5, "psi": 1.0, "js": 0.3, "p": drift.columns[0].p},
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


def made_of(*columns: MeasuredColumn, **fields: Any) -> EvaluationRecord:
    return make_drift_record(make_drift(columns=columns, **fields))


MOVED = make_column("c", moved=True)
CONTRADICTIONS.update(
    {
        "a probability": (
            made_of(replace(MOVED, p=0.7)),
            "says of c how likely chance gives such a distance, and its own numbers say otherwise",
        ),
        "no probability": (
            made_of(replace(MOVED, p=None)),
            "says of c how likely chance gives such a distance, and its own numbers say otherwise",
        ),
        "no distance": (
            made_of(replace(MOVED, ks=None)),
            "says of c, a number, how likely chance gives a distance that it does not name",
        ),
        "a distance of categories": (
            made_of(replace(MOVED, kind="category")),
            "says of c, a category, what only numbers and times have",
        ),
        "what is missing by chance": (
            made_of(make_column("c", new_count=200, new_missing=0.5, missing_p=0.9)),
            "says of c how likely chance gives such a distance, and its own numbers say otherwise",
        ),
        "half a missing value": (
            made_of(make_column("c", new_missing=0.00125, missing_p=1.0), new_rows=401),
            "says of c how many values are missing, and its own rows say otherwise",
        ),
        "more values than rows": (
            made_of(make_column("c", new_count=401)),
            "says of c how many values are missing, and its own rows say otherwise",
        ),
        "twice the same": (made_of(MOVED, MOVED), "says twice how far c moved"),
        "gone and compared": (
            made_of(MOVED, removed=("c",)),
            "says that c was not compared, and how far it moved",
        ),
        "left out for no reason": (
            made_of(make_column("c"), ignored=("d",)),
            "left out d, which its own thresholds do not",
        ),
        "another count": (
            make_drift_record(make_drift(), count=7),
            "counted 7 rows, and says that it compared 400",
        ),
    }
)


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


OWN_FORGED = {
    "rows": (replace(DRIFT, old_rows=501), "how many rows"),
    "a column that was left out": (replace(DRIFT, columns=DRIFT.columns[1:]), "leaves out x"),
    "a column that never was": (replace(DRIFT, removed=("z",)), "names z"),
    "fewer values": (change(1, old_count=400), "of y what it held"),
    "another kind": (change(1, kind="time"), "of y what it held"),
    "missing values": (change(1, old_missing=0.5), "of y what it held"),
}


@pytest.mark.parametrize("case", OWN_FORGED)
def test_what_is_said_of_its_own_data_is_held_against_their_profile(case: str) -> None:
    """Even where nobody can see what it was compared with."""
    drift, words = OWN_FORGED[case]
    fault = find_false_own(drift, OLD)
    assert fault is not None
    assert words in fault
    assert fault.endswith("and the kept profile says otherwise")


def test_what_is_true_of_its_own_data_is_no_alarm() -> None:
    assert find_false_own(DRIFT, OLD) is None
    assert find_false_own(replace(DRIFT, columns=DRIFT.columns[1:], ignored=("x",)), OLD) is None
    assert find_false_own(replace(DRIFT, columns=DRIFT.columns[1:], removed=("x",)), OLD) is None
    later = replace(DRIFT, kind="drift")
    assert find_false_own(later, NEW) is None
    assert find_false_own(replace(later, new_rows=501), NEW) is not None


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
