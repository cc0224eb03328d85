from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.staging import StageCandidate, apply_gates, is_open, rollback_target, stage_holder
from mlver.records.config import StageSettings
from mlver.records.promotion import Action, GateResult, PromotionRecord, Result

DIGEST = Digest("ab" * 32)
ACTIONS: dict[str, Action] = {"+": "promote", "<": "rollback", "x": "retire"}


def history(moves: str) -> list[PromotionRecord]:
    """`+a` promotes a, `<a` rolls back to it, `xa` retires it."""
    return [
        PromotionRecord(
            model="m",
            stage="production",
            sequence=number,
            action=ACTIONS[move[0]],
            version=move[1:],
            previous=None,
            created="",
            author="",
            message="",
            record=DIGEST,
            prior=None,
        )
        for number, move in enumerate(moves.split(), 1)
    ]


HISTORIES = [
    # moves, holder, where a rollback would go
    ("", None, None),
    ("+a", "a", None),
    ("+a +b", "b", "a"),
    ("+a +b +c", "c", "b"),
    ("+a +b +c <b", "b", "a"),
    ("+a +b +c <b <a", "a", None),
    ("+a +b <a +c", "c", "a"),
    ("+a +b <a +b", "b", "a"),
    ("+a +b +c <a", "a", None),
    ("+a +b +a", "a", "b"),
    ("+a +b +a <b", "b", "a"),
    ("+a +b <z", "z", None),
    ("+a +b <z +c", "c", "z"),
    ("+a xa", None, None),
    ("+a +b xb", None, None),
    ("+a +b xb +c", "c", None),
    ("+a +b xb +c +d", "d", "c"),
    ("+a xa <a", "a", None),
]


@pytest.mark.parametrize(("moves", "held", "target"), HISTORIES)
def test_a_stage_is_a_stack_of_holders(moves: str, held: str | None, target: str | None) -> None:
    assert stage_holder(history(moves)) == held
    assert rollback_target(history(moves)) == target


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=8))
def test_rollbacks_retrace_the_promotions_to_the_first_and_never_go_forward(
    promoted: list[str],
) -> None:
    promoted = [promoted[0], *(after for before, after in pairwise(promoted) if before != after)]
    moves = " ".join(f"+{version}" for version in promoted)
    seen = [promoted[-1]]
    while (target := rollback_target(history(moves))) is not None:
        moves += f" <{target}"
        assert stage_holder(history(moves)) == target
        seen.append(target)
    assert seen == promoted[::-1]


# -- gates -----------------------------------------------------------------------------------------------------------


def candidate(
    *,
    unsealed: str | None = None,
    held: frozenset[str] = frozenset(),
    damage: tuple[str, ...] | None = None,
) -> StageCandidate:
    return StageCandidate(version="1.0.0", unsealed=unsealed, stages_held=held, damage=damage)


def judged(rule: StageSettings, asked: StageCandidate) -> dict[str, Result]:
    return {gate.gate: gate.result for gate in apply_gates(rule, asked)}


PLAIN, VERIFIED, AFTER = (
    StageSettings(),
    StageSettings(verified=True),
    StageSettings(after=("canary", "staging")),
)
BOTH = frozenset(("canary", "staging"))
GATES: dict[str, tuple[StageSettings, StageCandidate, dict[str, Result]]] = {
    "a seal is always asked for": (PLAIN, candidate(), {"sealed": "pass"}),
    "no seal": (PLAIN, candidate(unsealed="no tag"), {"sealed": "fail"}),
    "whole": (VERIFIED, candidate(damage=()), {"sealed": "pass", "verified bytes": "pass"}),
    "damaged": (
        VERIFIED,
        candidate(damage=("w is damaged",)),
        {"sealed": "pass", "verified bytes": "fail"},
    ),
    "not looked at": (
        VERIFIED,
        candidate(damage=None),
        {"sealed": "pass", "verified bytes": "inconclusive"},
    ),
    "damage nobody asked for": (PLAIN, candidate(damage=("w is damaged",)), {"sealed": "pass"}),
    "held both before": (
        AFTER,
        candidate(held=BOTH),
        {"sealed": "pass", "after canary": "pass", "after staging": "pass"},
    ),
    "held one before": (
        AFTER,
        candidate(held=frozenset(("staging", "other"))),
        {"sealed": "pass", "after canary": "fail", "after staging": "pass"},
    ),
    "everything at once": (
        StageSettings(after=("staging",), verified=True),
        candidate(unsealed="no tag", damage=("w is damaged", "d is missing")),
        {"sealed": "fail", "after staging": "fail", "verified bytes": "fail"},
    ),
}


@pytest.mark.parametrize(("rule", "asked", "expected"), GATES.values(), ids=GATES)
def test_each_gate_says_what_it_saw(
    rule: StageSettings, asked: StageCandidate, expected: dict[str, Result]
) -> None:
    assert judged(rule, asked) == expected
    assert list(judged(rule, asked)) == list(expected)
    assert is_open(apply_gates(rule, asked)) == (set(expected.values()) == {"pass"})


def test_what_is_wrong_with_a_seal_is_told_in_the_record() -> None:
    (found,) = apply_gates(PLAIN, candidate(unsealed="is a lightweight tag"))
    assert found.actual == "is a lightweight tag"
    assert apply_gates(PLAIN, candidate())[0].actual == "sealed"


def test_damage_is_told_in_the_record() -> None:
    found = apply_gates(VERIFIED, candidate(damage=("w is damaged", "d is missing")))
    assert found[-1] == GateResult(
        gate="verified bytes",
        result="fail",
        expected="every byte is present and right",
        actual="w is damaged; d is missing",
    )


def test_a_record_names_only_the_first_of_much_damage() -> None:
    found = apply_gates(
        VERIFIED, candidate(damage=tuple(f"f{number} is missing" for number in range(5000)))
    )
    assert found[-1].actual == "f0 is missing; f1 is missing; f2 is missing; and 4,997 more"


@pytest.mark.parametrize(
    ("result", "opens"), [("pass", True), ("fail", False), ("inconclusive", False)]
)
def test_only_a_pass_opens(result: Result, opens: bool) -> None:
    gates = [
        GateResult(gate=str(n), result=result if n == 1 else "pass", expected=None, actual=None)
        for n in range(3)
    ]
    assert is_open(gates) == opens
    assert is_open([])
