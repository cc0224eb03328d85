"""Shares of the traffic: which may be, which are open, and which there were when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.rollouts import (
    DigestedRollout,
    ends_rollout,
    find_open,
    find_sequence_fault,
    find_share_fault,
    list_shares,
    omit_verdict,
)
from mlver.policy.stage_policy import StagePolicy
from mlver.policy.time_windows import TimeWindow
from mlver.records.promotion import PromotionRecord
from mlver.records.references import Renumbering, VersionReference
from mlver.records.rollout import RolloutRecord, RolloutStrategy

RECORD = Digest("0" * 64)
HOLDER = VersionReference("1.0.0", RECORD)
ALWAYS = TimeWindow("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")


def make_rollout(day: int, **fields: Any) -> RolloutRecord:
    defaults: dict[str, Any] = {"action": "open", "strategy": "canary", "share": 10}
    return RolloutRecord(
        **{
            "model": "m",
            "stage": "production",
            "sequence": day,
            "version": "1.1.0",
            "created": f"2026-03-{day:02}T00:00:00Z",
            "author": "Kim <kim@example.org>",
            "message": "",
            "baseline": HOLDER,
            "record": RECORD,
            "prior": None,
            **defaults,
            **fields,
        }
    )


def make_promotion(day: int, version: str = "1.0.0", **fields: Any) -> PromotionRecord:
    return PromotionRecord(
        **{
            "model": "m",
            "stage": "production",
            "sequence": day,
            "action": "promote",
            "version": version,
            "previous": None,
            "created": f"2026-03-{day:02}T00:00:00Z",
            "author": "Kim <kim@example.org>",
            "message": "",
            "record": RECORD,
            "prior": None,
            **fields,
        }
    )


def number(*records: RolloutRecord) -> list[DigestedRollout]:
    """Give each a digest of its own."""
    return [(record, Digest(f"{place:064x}")) for place, record in enumerate(records, start=1)]


@pytest.mark.parametrize(
    ("strategy", "share", "header"),
    [
        *(("canary", 0.5, None), ("canary", 100, None), ("ab", 5, "X-User-Id")),
        *(("shadow", 0, None), ("blue-green", 0, None), ("blue-green", 100, None)),
    ],
)
def test_what_may_be(strategy: str, share: float, header: str | None) -> None:
    assert find_share_fault(strategy, share, header) is None


@pytest.mark.parametrize(
    ("strategy", "share", "header"),
    [
        *(("canary", 100.1, None), ("canary", -1, None), ("canary", float("nan"), None)),
        *(("shadow", 1, None), ("blue-green", 50, None), ("ab", 5, None), ("ab", 5, "a b")),
        ("canary", 5, "X-User-Id"),
    ],
)
def test_what_may_not(strategy: str, share: float, header: str | None) -> None:
    assert find_share_fault(strategy, share, header) is not None


@given(st.sampled_from(["canary", "ab", "shadow", "blue-green"]), st.floats(0, 100))
def test_only_without_a_share_it_can_be_over(strategy: RolloutStrategy, share: float) -> None:
    assert not (ends_rollout(strategy, share) and share)
    assert ends_rollout("canary", 0)
    assert not ends_rollout("shadow", 0)


def test_the_last_one_is_open_until_something_ends_it() -> None:
    opened, moved = make_rollout(2), make_rollout(3, action="move", share=50)
    chain = number(opened, moved)
    assert find_open(chain, [make_promotion(1)], HOLDER) == chain[-1]
    assert find_open([], [make_promotion(1)], HOLDER) is None
    ended = number(opened, moved, make_rollout(4, action="withdraw", share=0))
    assert find_open(ended, [make_promotion(1)], HOLDER) is None
    other = VersionReference("2.0.0", RECORD)
    assert find_open(chain, [make_promotion(1)], other) is None
    assert find_open(chain, [make_promotion(1)], None) is None
    closed = [make_promotion(1), make_promotion(4, "1.1.0", rollout=chain[-1][1])]
    back = [*closed, make_promotion(5, action="rollback")]
    assert find_open(chain, back, HOLDER) is None


def test_one_that_nobody_closed_does_not_come_back_by_a_rollback() -> None:
    chain = [(make_rollout(2), Digest("a" * 64))]
    back = [make_promotion(1), make_promotion(3, "1.2.0"), make_promotion(4, action="rollback")]
    assert find_open(chain, back, HOLDER) is None
    assert find_open([(make_rollout(5), Digest("a" * 64))], back, HOLDER) is not None


def test_each_share_lasts_until_the_next_record() -> None:
    chain = number(
        make_rollout(2),
        make_rollout(3, action="move", share=50),
        make_rollout(5, action="withdraw", share=0),
        make_rollout(7),
    )
    promotions = [make_promotion(1), make_promotion(9, "1.1.0", rollout=chain[-1][1])]
    told = [(one.record.share, one.since[8:10], one.until) for one in listed(chain, promotions)]
    assert [(share, since, until and until[8:10]) for share, since, until in told] == [
        (10, "02", "03"),
        (50, "03", "05"),
        (10, "07", "09"),
    ]


def listed(chain: list[DigestedRollout], promotions: list[PromotionRecord]) -> list[Any]:
    return list(list_shares(chain, promotions, ALWAYS))


def test_another_holder_ends_a_share_that_nobody_closed() -> None:
    chain = number(make_rollout(2))
    (share,) = listed(chain, [make_promotion(1), make_promotion(4, "2.0.0")])
    assert share.until == "2026-03-04T00:00:00Z"
    (share,) = listed(chain, [make_promotion(1)])
    assert share.until is None


@given(st.lists(st.integers(1, 28), max_size=6), st.integers(1, 28))
def test_at_any_moment_a_stage_has_one_share_at_most(days: list[int], day: int) -> None:
    """Whatever dates records claim, the chain says in which order they were."""
    chain = number(*(make_rollout(one) for one in days))
    moment = f"2026-03-{day:02}T12:00:00Z"
    window = TimeWindow(moment, f"2026-03-{day:02}T12:00:01Z")
    assert len(list_shares(chain, [make_promotion(1)], window)) <= 1


def test_what_goes_on_follows_what_was_open() -> None:
    opened, moved = make_rollout(2), make_rollout(3, action="move")
    ended = make_rollout(3, action="withdraw", share=0)
    assert find_sequence_fault(opened, None) is None
    assert find_sequence_fault(moved, opened) is None
    for record, before in (
        (moved, None),
        (moved, ended),
        (ended, None),
        (make_rollout(3, action="move", version="2.0.0"), opened),
        (make_rollout(3, action="move", baseline=VersionReference("0.9.0", RECORD)), opened),
    ):
        assert find_sequence_fault(record, before) is not None
    merged = make_rollout(3, action="move", renumbered=Renumbering(number=2, record=RECORD))
    assert find_sequence_fault(merged, None) is None


def test_a_share_asks_for_no_verdict() -> None:
    policy = StagePolicy(rule={"verified": True, "verdict": "pass"}, verdict={"min": 20})
    assert omit_verdict(policy).rule == {"verified": True}
