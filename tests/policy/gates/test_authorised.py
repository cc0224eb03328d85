"""The gate `authorised` opens only where all data may be used, and shuts where some may not."""

from __future__ import annotations

import pytest

from mlver.policy.authorisation import TrainedData, TrainingData
from mlver.policy.gates.gate import StageCandidate
from mlver.policy.gates.table import apply_gates, suggest_commands
from mlver.records.authorisation import AuthorisationRecord
from mlver.records.promotion import GateResult
from mlver.records.sections.stages import StageSettings
from tests.policy.test_authorisation import (
    ALL_BACK,
    ENDED,
    FOR_TRAINING,
    LAST_DAY,
    OTHER_BACK,
    TODAY,
    make_record,
)

RULE = StageSettings(gates={"requires": {"authorised": "training"}})


def make_data(
    *records: AuthorisationRecord,
    name: str = "m@1.0.0:train",
    elsewhere: tuple[AuthorisationRecord, ...] = (),
    files: tuple[tuple[AuthorisationRecord, ...], ...] = (),
) -> TrainedData:
    return TrainedData(name=name, records=records, withdrawn_elsewhere=elsewhere, files=files)


def judge(training: TrainingData | None) -> GateResult:
    candidate = StageCandidate(
        version="1.0.0", unsealed=None, stages_held=frozenset(), damage=None, training=training
    )
    results = {result.gate: result for result in apply_gates(RULE, candidate)}
    return results["authorised training"]


def judge_sets(*data: TrainedData, unread: tuple[str, ...] = ()) -> GateResult:
    return judge(TrainingData(data=data, unread=unread, today=TODAY))


GRANTED = make_data(FOR_TRAINING)
OTHER = make_data(make_record("grant", "evaluation"), name="m@1.0.0:other")
CASES = {
    "granted": ([GRANTED], "pass", "m@1.0.0:train on 2026-06-15"),
    "on its last day": (
        [make_data(LAST_DAY)],
        "pass",
        "m@1.0.0:train on 2026-06-15, until 2026-06-15",
    ),
    "another purpose was withdrawn": (
        [make_data(FOR_TRAINING, OTHER_BACK)],
        "pass",
        "m@1.0.0:train on 2026-06-15",
    ),
    "nothing recorded": (
        [make_data()],
        "inconclusive",
        "m@1.0.0:train is not authorised for training",
    ),
    "one of two": (
        [GRANTED, OTHER],
        "inconclusive",
        "m@1.0.0:other is not authorised for training",
    ),
    "ended": ([make_data(ENDED)], "fail", "m@1.0.0:train was only authorised until 2026-06-14"),
    "withdrawn": (
        [make_data(FOR_TRAINING, ALL_BACK)],
        "fail",
        "m@1.0.0:train was withdrawn 2026-01-01",
    ),
    "withdrawn beside what nobody knows": (
        [OTHER, make_data(ALL_BACK)],
        "fail",
        "m@1.0.0:train was withdrawn 2026-01-01; m@1.0.0:other is not authorised for training",
    ),
    "withdrawn on the main branch": (
        [make_data(FOR_TRAINING, elsewhere=(ALL_BACK,))],
        "fail",
        "m@1.0.0:train was withdrawn 2026-01-01 on the main branch",
    ),
    "another purpose, on the main branch": (
        [make_data(FOR_TRAINING, elsewhere=(OTHER_BACK,))],
        "pass",
        "m@1.0.0:train on 2026-06-15",
    ),
    "a file of it": (
        [make_data(FOR_TRAINING, files=((ALL_BACK,),))],
        "fail",
        "m@1.0.0:train holds a file that was withdrawn 2026-01-01",
    ),
    "a file of it, granted again": (
        [make_data(FOR_TRAINING, files=((ALL_BACK, FOR_TRAINING),))],
        "pass",
        "m@1.0.0:train on 2026-06-15",
    ),
    "no data": (
        [],
        "inconclusive",
        "it names no data set, so nobody knows what it was trained on",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_only_a_live_grant_for_all_data_opens(name: str) -> None:
    data, result, actual = CASES[name]
    judged = judge_sets(*data)
    assert (judged.result, judged.actual) == (result, actual)
    assert judged.expected == "all data that it was trained on may be used for training"


def test_what_cannot_be_read_leaves_it_open() -> None:
    judged = judge_sets(GRANTED, unread=("m@0.9.0, which it was trained from: gone",))
    assert judged.result == "inconclusive"
    assert judged.actual == "cannot be read: m@0.9.0, which it was trained from: gone"
    assert judge(None).result == "inconclusive"


def test_much_data_is_named_in_few_words() -> None:
    judged = judge_sets(*(make_data(name=f"m@1.0.0:d{number}") for number in range(9)))
    assert str(judged.actual).count("is not authorised") == 3
    assert str(judged.actual).endswith("; and 6 more")


def test_the_next_command_gives_the_authorisation() -> None:
    command = "mlver authorise m@1.0.0:train --purpose training --basis BASIS -m WHY"
    assert suggest_commands("m@1.0.0", [judge_sets(make_data())]) == (command,)
    assert suggest_commands("m@1.0.0", [judge_sets(make_data(ENDED))]) == (command,)
    audit = ("mlver audit --data m@1.0.0:train",)
    assert suggest_commands("m@1.0.0", [judge_sets(make_data(ALL_BACK))]) == audit
    shown = ("mlver show m@1.0.0",)
    assert suggest_commands("m@1.0.0", [judge_sets()]) == shown
