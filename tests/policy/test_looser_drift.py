"""When the thresholds of drift ask less than before, and what that does to a policy's digest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.drift.recorded import judge_recorded
from mlver.policy.looser import list_loosenings
from mlver.policy.policy_digest import build_policy, digest_policy
from mlver.policy.stage_policy import StagePolicy
from mlver.records.config import ProjectConfig
from mlver.records.sections.insight import DriftThresholds
from tests.policy.drift.drifts import make_column, make_drift


def ask(**thresholds: Any) -> StagePolicy:
    asked = DriftThresholds(**thresholds).to_document()
    return StagePolicy(rule={"drift": "none"}, drift=asked)


LOOSER = {
    "ks": (0.2, "`insight.drift.ks` asks for 0.2 instead of 0.1"),
    "js": (0.5, "`insight.drift.js` asks for 0.5 instead of 0.02"),
    "psi": (9, "`insight.drift.psi` asks for 9 instead of 0.2"),
    "p": (0, "`insight.drift.p` asks for 0 instead of 0.05"),
    "rows": (100, "`insight.drift.rows` was changed from 200 to 100"),
    "ignore": (("income",), "`insight.drift.ignore` also names income"),
}


@pytest.mark.parametrize("key", LOOSER)
def test_a_looser_threshold_is_named(key: str) -> None:
    value, words = LOOSER[key]
    assert list_loosenings(ask(**{key: value}), ask()) == (words,)


@pytest.mark.parametrize(("key", "value"), [("ks", 0), ("js", 0), ("psi", 0), ("p", 1)])
def test_a_stricter_threshold_is_no_loosening(key: str, value: float) -> None:
    assert list_loosenings(ask(**{key: value}), ask()) == ()
    assert len(list_loosenings(ask(), ask(**{key: value}))) == 1


def test_a_rule_that_no_longer_asks_is_one_loosening() -> None:
    assert list_loosenings(StagePolicy(rule={}), ask()) == ("`drift` is no longer asked for",)


SHARES = st.floats(0, 1)


@given(data=st.data())
def test_whatever_passes_a_policy_that_is_no_looser_passes_the_other(data: st.DataObject) -> None:
    thresholds = st.builds(DriftThresholds, ks=SHARES, js=SHARES, psi=SHARES, p=SHARES)
    old, new = data.draw(thresholds), data.draw(thresholds)
    fields = st.fixed_dictionaries({"ks": SHARES, "js": SHARES, "psi": SHARES, "p": SHARES})
    drawn: list[dict[str, Any]] = data.draw(st.lists(fields, max_size=3))
    columns = [make_column(f"c{place}", **each) for place, each in enumerate(drawn)]
    drift = make_drift(columns=tuple(columns))
    policies = [
        StagePolicy(rule={"drift": "none"}, drift=each.to_document()) for each in (new, old)
    ]
    passes = [judge_recorded(drift, each).verdict == "none" for each in (new, old)]
    if not list_loosenings(*policies):
        assert passes != [True, False]


def test_thresholds_are_part_of_the_policy_of_a_stage_that_asks_for_drift() -> None:
    digests = set()
    for insight in ({}, {"drift": {"ks": 0.2}}, {"drift": {"ignore": ["income"]}}):
        stages = {"a": {"requires": {"drift": "none"}}, "b": {"after": ["a"]}}
        document = {"schema": "mlver/config/1", "stages": stages, "insight": insight}
        config = ProjectConfig.from_document(document)
        policies = [build_policy(config, stage) for stage in ("a", "b")]
        assert policies[0] is not None
        assert policies[1] is not None
        assert policies[1].drift == {}
        digests.add((digest_policy(policies[0]), digest_policy(policies[1])))
    assert len({first for first, _ in digests}) == 3
    assert len({second for _, second in digests}) == 1
