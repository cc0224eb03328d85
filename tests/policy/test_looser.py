"""When one policy is looser than another, and in which words that is said."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mlver.policy.looser import (
    drop_covered,
    is_looser,
    list_loosened,
    list_loosenings,
    select_shared,
)
from mlver.policy.policy_digest import drop_unasked
from mlver.policy.stage_policy import StagePolicy
from mlver.records.values import Value

# Of each key: a looser setting, a stricter one, and what became looser in words.
ORDERED: dict[str, tuple[str, Any, Any, str]] = {
    "a switch": ("verified", None, True, "`verified` is no longer asked for"),
    "a requirement": (
        "after",
        ["staging"],
        ["canary", "staging"],
        "`after` no longer names canary",
    ),
    "all requirements": ("after", None, ["staging"], "`after` no longer names staging"),
    "a choice": ("formats", ["onnx", "pickle"], ["onnx"], "`formats` also names pickle"),
    "any choice": ("formats", None, ["onnx"], "`formats` is no longer asked for"),
    "a message": ("message", None, True, "`message` is no longer asked for"),
    "a kind": ("update", ["full", "hybrid"], ["full"], "`update` also names hybrid"),
    "copies": ("copies", 1, 2, "`copies` asks for 1 instead of 2"),
    "approvals": ("approvals", None, {"min": 2}, "`approvals` is no longer asked for"),
    "a size": ("max_size", 200, 100, "`max_size` asks for 200 instead of 100"),
    "a wait": ("hold", "36h", "2d", "`hold` asks for 36h instead of 2d"),
    "a bound": (
        "reproduced",
        {"within": 1e-3},
        "within",
        "`reproduced` was changed from within to other values",
    ),
    "bytes": (
        "reproduced",
        "within",
        "identical",
        "`reproduced` was changed from identical to within",
    ),
    "an age": ("drilled", "5w", "30d", "`drilled` asks for 5w instead of 30d"),
    "a lowest value": (
        "gates",
        [{"metric": "accuracy", "min": 0.8}],
        [{"metric": "accuracy", "min": 0.9}],
        "`min` of accuracy is 0.8 instead of 0.9",
    ),
    "a highest value": (
        "gates",
        [{"metric": "loss", "on": "golden", "max": 2}],
        [{"metric": "loss", "on": "golden", "max": 1}],
        "`max` of loss on golden is 2 instead of 1",
    ),
    "a metric": (
        "gates",
        [{"metric": "loss", "max": 1}],
        [{"metric": "loss", "max": 1}, {"metric": "accuracy", "min": 0.9}],
        "`min` of accuracy is no longer asked for",
    ),
    "all bounds": (
        "gates",
        None,
        [{"metric": "accuracy", "min": 0.9}],
        "`min` of accuracy is no longer asked for",
    ),
    "a larger drop": (
        "gates",
        [{"metric": "accuracy", "min": 0.9, "max_drop": 0.01}],
        [{"metric": "accuracy", "min": 0.9, "max_drop": 0.005}],
        "`max_drop` of accuracy is 0.01 instead of 0.005",
    ),
    "a larger rise in percent": (
        "gates",
        [{"metric": "loss", "max_rise": "10%"}],
        [{"metric": "loss", "max_rise": "5.0%"}],
        "`max_rise` of loss is 10% instead of 5.0%",
    ),
    "less confidence": (
        "gates",
        [{"metric": "accuracy", "max_drop": 0.01, "confidence": 0.9}],
        [{"metric": "accuracy", "max_drop": 0.01, "confidence": 0.95}],
        "`max_drop` of accuracy is judged in another way",
    ),
    "a size in words": ("max_size", "4GiB", "4GB", "`max_size` asks for 4GiB instead of 4GB"),
    "fewer approvals": (
        "approvals",
        {"min": 1, "from": ["leads"]},
        {"min": 2, "from": ["leads"]},
        "`approvals.min` asks for 1 instead of 2",
    ),
    "approvals of more people": (
        "approvals",
        {"min": 1, "from": ["interns", "leads"]},
        {"min": 1, "from": ["leads"]},
        "`approvals.from` also names interns",
    ),
    "approvals of the author": (
        "approvals",
        {"min": 1, "not": ["promoter"]},
        {"min": 1, "not": ["author", "promoter"]},
        "`approvals.not` no longer names author",
    ),
    "older approvals": (
        "approvals",
        {"min": 1, "within": "60d"},
        {"min": 1, "within": "30d"},
        "`approvals.within` asks for 60d instead of 30d",
    ),
    "a key of a later mlver": ("other", None, 3, "`other` is no longer asked for"),
}


@pytest.mark.parametrize(("key", "loose", "strict", "words"), ORDERED.values(), ids=ORDERED)
def test_what_asks_less_is_looser_and_not_the_other_way_round(
    key: str, loose: Value, strict: Value, words: str
) -> None:
    loose_policy = StagePolicy(rule=drop_unasked({key: loose}))
    strict_policy = StagePolicy(rule=drop_unasked({key: strict}))
    assert list_loosenings(loose_policy, strict_policy) == (words,)
    assert list_loosenings(strict_policy, loose_policy) == ()


INCOMPARABLE: dict[str, tuple[str, Any, Any]] = {
    "a key of a later mlver": ("other", 3, 2),
    "a word": ("drift", "none", "small"),
    "a duration that cannot be read": ("hold", "3 moons", "2 moons"),
    "another form": ("approvals", {"min": 2}, 2),
    "other stages before": ("after", ["canary"], ["staging"]),
    "a threshold of another form": ("gates", [1], [2]),
    "another data set": (
        "gates",
        [{"metric": "loss", "on": "a", "max": 1}],
        [{"metric": "loss", "on": "b", "max": 1}],
    ),
    "an amount and a share": (
        "gates",
        [{"metric": "loss", "max_rise": 1}],
        [{"metric": "loss", "max_rise": "1%"}],
    ),
}


@pytest.mark.parametrize(("key", "first", "second"), INCOMPARABLE.values(), ids=INCOMPARABLE)
def test_what_cannot_be_compared_is_looser_in_both_directions(
    key: str, first: Value, second: Value
) -> None:
    first_policy = StagePolicy(rule={key: first})
    second_policy = StagePolicy(rule={key: second})
    assert is_looser(first_policy, second_policy)
    assert is_looser(second_policy, first_policy)


NAMING: dict[str, Value] = {
    "gates": [{"metric": "accuracy", "on": "golden", "min": 0.9}],
    "approvals": {"min": 1, "from": ["leads"]},
}


def test_what_a_rule_names_is_compared_too() -> None:
    old = StagePolicy(
        rule=NAMING,
        tags={"signed": True},
        datasets={"golden": "sha256:aa"},
        groups={"leads": ["Ada"]},
        policy={"own": False},
    )
    new = StagePolicy(
        rule=NAMING,
        datasets={"golden": "sha256:bb"},
        groups={"leads": ["Ada", "Eve"]},
        policy={"own": True},
    )
    assert list_loosenings(new, old) == (
        "`tags.signed` is no longer asked for",
        "`datasets.golden` was changed from sha256:aa to sha256:bb",
        "`groups.leads` also names Eve",
        "`policy.own` was changed from False to True",
    )


def test_what_was_not_there_opens_what_was_shut() -> None:
    old = StagePolicy(rule=NAMING)
    new = StagePolicy(
        rule=NAMING,
        datasets={"golden": "sha256:aa"},
        groups={"leads": ["eve@example.org"]},
        policy={"from": "eve", "signers": "eve/signers"},
    )
    assert list_loosenings(new, old) == (
        "`datasets.golden` is pinned now, and nothing passed by it before",
        "`groups.leads` also names eve@example.org",
        "`policy.from` is eve now",
        "`policy.signers` is eve/signers now",
    )


def test_what_is_gone_lets_nothing_through() -> None:
    old = StagePolicy(
        rule=NAMING, datasets={"golden": "sha256:aa"}, groups={"leads": ["ana@example.org"]}
    )
    assert list_loosenings(StagePolicy(rule=NAMING), old) == ()
    fewer = StagePolicy(rule={**NAMING, "approvals": {"min": 1, "from": ["ana@example.org"]}})
    assert list_loosenings(fewer, old) == ("`approvals.from` also names ana@example.org",)


def test_a_stage_without_a_rule_is_looser_than_any_and_a_new_one_than_none() -> None:
    rule = StagePolicy(rule={"sealed": True})
    assert list_loosenings(None, rule) == ("the stage has no rule any more",)
    assert list_loosenings(rule, None) == ()
    assert list_loosenings(None, None) == ()


_NAMES = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)
_DURATIONS = st.builds("{}{}".format, st.integers(0, 90), st.sampled_from("smhdw"))
_LIMITS = st.lists(
    st.fixed_dictionaries(
        {"metric": st.sampled_from(["m", "n"])},
        optional={"min": st.integers(-2, 2), "max_drop": st.sampled_from([0, 0.1, "5%"])},
    ),
    max_size=3,
)
_KNOWN: dict[str, st.SearchStrategy[Any]] = {
    "after": _NAMES,
    "approvals": st.fixed_dictionaries({"min": st.integers(1, 3)}, optional={"from": _NAMES}),
    "copies": st.integers(0, 3),
    "drilled": _DURATIONS,
    "formats": _NAMES,
    "gates": _LIMITS,
    "hold": _DURATIONS,
    "max_size": st.integers(0, 3),
    "verified": st.booleans(),
}
_UNKNOWN = st.integers(0, 3) | st.text(max_size=3) | _NAMES


def _build_policies() -> st.SearchStrategy[StagePolicy]:
    keys: dict[Any, st.SearchStrategy[Any]] = {**_KNOWN, "other": _UNKNOWN}
    rules = st.fixed_dictionaries({}, optional=keys)
    return rules.map(lambda rule: StagePolicy(rule=drop_unasked(rule)))


@given(policy=_build_policies())
def test_no_policy_is_looser_than_itself(policy: StagePolicy) -> None:
    assert not is_looser(policy, policy)


@given(policy=_build_policies(), data=st.data())
def test_a_policy_without_one_of_its_keys_is_looser(
    policy: StagePolicy, data: st.DataObject
) -> None:
    assume(policy.rule)
    key = data.draw(st.sampled_from(sorted(policy.rule)))
    rest = {name: setting for name, setting in policy.rule.items() if name != key}
    shorter = StagePolicy(rule=rest)
    assert is_looser(shorter, policy)
    assert not is_looser(policy, shorter)


@given(first=_build_policies(), second=_build_policies())
def test_two_policies_of_which_neither_is_looser_ask_for_the_same(
    first: StagePolicy, second: StagePolicy
) -> None:
    if not is_looser(first, second) and not is_looser(second, first):
        assert _measure_rule(first) == _measure_rule(second)


def _measure_rule(policy: StagePolicy) -> dict[str, Value]:
    """What a rule comes down to: `60s` and `1m` are one duration."""
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
    measured = dict(policy.rule)
    for key in ("hold", "drilled"):
        text = measured.get(key)
        if isinstance(text, str):
            measured[key] = int(text[:-1]) * seconds[text[-1]]
    return measured


@pytest.mark.parametrize("key", ["copies", "drilled", "hold", "max_size", "verified"])
@given(data=st.data())
def test_limits_and_switches_are_ordered(key: str, data: st.DataObject) -> None:
    settings = _KNOWN[key]
    first = StagePolicy(rule=drop_unasked({key: data.draw(settings)}))
    second = StagePolicy(rule=drop_unasked({key: data.draw(settings)}))
    assert not (is_looser(first, second) and is_looser(second, first))


def test_what_two_changes_share_is_named_by_the_smaller_part() -> None:
    strict = StagePolicy(rule={"after": ["canary", "staging"], "gates": {"loss": {"max": 1}}})
    loose = StagePolicy(rule={"after": ["staging"]})
    assert list_loosened(loose, strict) == {"after.canary", "gates"}
    assert list_loosened(strict, loose) == frozenset()
    assert list_loosened(None, strict) == {"after.canary", "after.staging", "gates"}
    assert list_loosened(strict, None) == frozenset()
    assert select_shared({"after.canary", "gates"}, {"after", "gates.loss", "hold"}) == {
        "after.canary",
        "gates.loss",
    }
    assert drop_covered({"after.canary", "gates", "hold"}, {"after", "gates.loss"}) == {
        "gates",
        "hold",
    }
