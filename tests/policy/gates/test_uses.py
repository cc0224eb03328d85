"""The gate `uses` opens only where all that a version uses is here, unchanged and not retired."""

from __future__ import annotations

import pytest

from mlver.policy.gates.gate import StageCandidate, UsedVersion
from mlver.policy.gates.table import apply_gates, suggest_commands
from mlver.records.promotion import GateResult
from mlver.records.sections.stages import StageSettings

FINE = UsedVersion(name="words@1.0.0")
RETIRED = UsedVersion(name="sounds@2.0.0", retired="biased; use 2.1.0")
OTHER = UsedVersion(name="words@1.1.0", is_other_record=True)
UNREAD = UsedVersion(name="words@9.0.0", fault="words has no version 9.0.0")


def judge(*uses: UsedVersion, looked: bool = True) -> GateResult:
    candidate = StageCandidate(
        version="1.0.0",
        unsealed=None,
        stages_held=frozenset(),
        damage=None,
        uses=uses if looked else None,
    )
    rule = StageSettings(gates={"requires": {"uses": True}})
    (result,) = (found for found in apply_gates(rule, candidate) if found.gate == "uses")
    return result


@pytest.mark.parametrize(
    ("uses", "result", "actual", "command"),
    [
        ((), "pass", "it uses no other model", None),
        ((FINE,), "pass", "in use: words@1.0.0", None),
        (
            (FINE, RETIRED),
            "fail",
            "sounds@2.0.0 is retired: biased; use 2.1.0",
            "mlver show sounds@2.0.0",
        ),
        (
            (OTHER, UNREAD),
            "fail",
            "words@1.1.0 has another record now than the one that was used;"
            " words@9.0.0 cannot be read: words has no version 9.0.0",
            "mlver show words@1.1.0",
        ),
        (
            (UNREAD,),
            "inconclusive",
            "words@9.0.0 cannot be read: words has no version 9.0.0",
            "mlver show words@9.0.0",
        ),
    ],
)
def test_what_is_used_decides(
    uses: tuple[UsedVersion, ...], result: str, actual: str, command: str | None
) -> None:
    judged = judge(*uses)
    assert (judged.result, judged.actual) == (result, actual)
    suggested = suggest_commands("m@1.0.0", [judged])
    assert suggested == (() if command is None else (command,))


def test_where_nobody_looked_it_stays_shut() -> None:
    judged = judge(looked=False)
    assert judged.result == "inconclusive"
    assert suggest_commands("m@1.0.0", [judged]) == ("mlver lineage m@1.0.0 --up",)


def test_of_many_a_few_are_named() -> None:
    many = tuple(UsedVersion(name=f"m{n}@1.0.0", retired="old") for n in range(9))
    assert str(judge(*many).actual).endswith("; and 6 more")
