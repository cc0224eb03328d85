"""When a rule asks less of approvals than another."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.policy.looser import list_loosenings
from mlver.policy.stage_policy import StagePolicy

OLD: dict[str, Any] = {"min": 2, "from": ["leads", "ana@example.org"], "within": "30d"}


def compare(new: dict[str, Any], old: dict[str, Any]) -> tuple[str, ...]:
    first, second = (StagePolicy(rule={"approvals": rule}) for rule in (new, old))
    return list_loosenings(first, second)


@pytest.mark.parametrize(
    "change",
    [
        {"min": 1},
        {"from": ["leads", "ana@example.org", "eve@example.org"]},
        {"not": ["author"]},
        {"not": []},
        {"within": "31d"},
        {"within": "5w"},
    ],
)
def test_what_asks_less_and_what_asks_more(change: dict[str, Any]) -> None:
    assert compare({**OLD, **change}, OLD)
    assert compare(OLD, {**OLD, **change}) == ()


@pytest.mark.parametrize("key", ["from", "within"])
def test_a_limit_that_is_gone_is_looser(key: str) -> None:
    new = {name: value for name, value in OLD.items() if name != key}
    assert len(compare(new, OLD)) == 1
    assert compare(OLD, new) == ()


def test_what_stands_by_default_is_the_same_written_out() -> None:
    assert compare({**OLD, "not": ["author", "promoter"]}, OLD) == ()
    assert compare(OLD, {**OLD, "not": ["promoter", "author"]}) == ()


def test_one_more_in_a_group_is_looser() -> None:
    rule = {"approvals": OLD}
    before = StagePolicy(rule=rule, groups={"leads": ["kim@example.org"]})
    after = StagePolicy(rule=rule, groups={"leads": ["kim@example.org", "eve@example.org"]})
    assert list_loosenings(after, before) == ("`groups.leads` also names eve@example.org",)
    assert list_loosenings(before, after) == ()


def test_no_approvals_any_more() -> None:
    assert list_loosenings(StagePolicy(rule={}), StagePolicy(rule={"approvals": OLD})) == (
        "`approvals` is no longer asked for",
    )
