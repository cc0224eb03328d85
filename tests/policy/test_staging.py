from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.staging import list_targets, stage_holder
from mlver.records.promotion import Action, PromotionRecord

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
    ("+a +a", "a", None),  # two branches promoted it, and met
    ("+a +b +b", "b", "a"),
    ("+a +b +b <a", "a", None),
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
    assert next(iter(list_targets(history(moves))), None) == target


@given(st.lists(st.sampled_from("abcde"), min_size=1, max_size=8))
def test_rollbacks_retrace_the_promotions_to_the_first_and_never_go_forward(
    promoted: list[str],
) -> None:
    promoted = [promoted[0], *(after for before, after in pairwise(promoted) if before != after)]
    moves = " ".join(f"+{version}" for version in promoted)
    seen = [promoted[-1]]
    while targets := list_targets(history(moves)):
        target = targets[0]
        moves += f" <{target}"
        assert stage_holder(history(moves)) == target
        seen.append(target)
    assert seen == promoted[::-1]
