"""The digest of what judges a stage: it changes with what judges, and with nothing else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.policy.policy_digest import (
    build_policy,
    digest_policy,
    encode_canonical,
)
from mlver.policy.stage_policy import StagePolicy
from mlver.records.config import ProjectConfig
from mlver.records.values import Document

STAGES: Document = {
    "staging": {"description": "Tried out"},
    "production": {"description": "Serves users", "after": ["staging"], "verified": True},
}


def _read_policy(stages: Document, stage: str = "production") -> StagePolicy:
    config = ProjectConfig.from_document({"stages": stages})
    policy = build_policy(config, stage)
    assert policy is not None
    return policy


def _digest(stages: Document, **sections: Document) -> str:
    config = ProjectConfig.from_document({"stages": stages, **sections})
    policy = build_policy(config, "production")
    assert policy is not None
    return str(digest_policy(policy))


def test_the_digest_is_that_of_the_canonical_json_and_stays_the_same_for_ever() -> None:
    canonical = b'{"rule":{"after":["staging"],"sealed":true,"verified":true}}'
    assert encode_canonical(_read_policy(STAGES).document) == canonical
    assert _digest(STAGES) == f"sha256:{hashlib.sha256(canonical).hexdigest()}"


def test_every_stage_asks_for_a_seal() -> None:
    assert _read_policy(STAGES, "staging").document == {"rule": {"sealed": True}}


def test_a_stage_that_is_not_there_has_no_policy() -> None:
    assert build_policy(ProjectConfig.from_document({"stages": STAGES}), "canary") is None


RULE: Document = {"after": ["staging"], "verified": True}
SAME: dict[str, tuple[Document, dict[str, Document]]] = {
    "another stage": ({"canary": {"verified": True}, "production": RULE}, {}),
    "another description": ({"production": {"description": "Other", **RULE}}, {}),
    "what the hooks keep out": ({"production": RULE}, {"guard": {"pickle": "forbid"}}),
    "tags of promotions": ({"production": RULE}, {"tags": {"promotions": True}}),
    "a default that is written": ({"production": RULE}, {"tags": {"signed": False}}),
    "a gate below `requires`": (
        {"production": {"after": ["staging"], "requires": {"verified": True}}},
        {},
    ),
    "a gate in both places": (
        {"production": {**RULE, "requires": {"verified": False}}},
        {},
    ),
    "an entry twice": ({"production": {**RULE, "after": ["staging", "staging"]}}, {}),
}


@pytest.mark.parametrize(("stages", "sections"), SAME.values(), ids=SAME)
def test_an_edit_that_judges_nothing_changes_nothing(
    stages: Document, sections: dict[str, Document]
) -> None:
    assert _digest(stages, **sections) == _digest(STAGES)


OTHER: dict[str, tuple[Document, dict[str, Document]]] = {
    "a gate less": ({"production": {"after": ["staging"]}}, {}),
    "a gate more": ({"production": {**RULE, "hold": "3d"}}, {}),
    "another stage before": ({"production": {**RULE, "after": ["canary"]}}, {}),
    "signatures": ({"production": RULE}, {"tags": {"signed": True}}),
}


@pytest.mark.parametrize(("stages", "sections"), OTHER.values(), ids=OTHER)
def test_an_edit_of_what_judges_changes_the_digest(
    stages: Document, sections: dict[str, Document]
) -> None:
    assert _digest(stages, **sections) != _digest(STAGES)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
_RULES = st.dictionaries(st.sampled_from(["after", "hold", "copies", "other", "gates"]), _VALUES)


@given(rule=_RULES, description=st.text(min_size=1, max_size=5))
def test_the_digest_is_the_same_in_any_order_of_the_keys(rule: Document, description: str) -> None:
    reordered = dict(reversed([*rule.items(), ("description", description)]))
    assert _digest({"production": rule}) == _digest({"canary": {}, "production": reordered})


@given(rule=_RULES, name=st.text(min_size=1, max_size=5))
def test_an_unknown_key_that_asks_for_something_changes_the_digest(
    rule: Document, name: str
) -> None:
    changed = {**rule, f"new_{name}": 1}
    assert _digest({"production": rule}) != _digest({"production": changed})


_PINNED: Document = {"golden": {"path": "data/golden", "digest": f"sha256:{'a' * 64}"}}
_REPINNED: Document = {"golden": {"path": "data/golden", "digest": f"sha256:{'b' * 64}"}}
_MOVED: Document = {"golden": {"path": "elsewhere", "digest": f"sha256:{'a' * 64}"}}
_UNNAMED: Document = {**_PINNED, "other": {"path": "other", "digest": f"sha256:{'c' * 64}"}}
_EXAM: Document = {"production": {"gates": [{"metric": "accuracy", "on": "golden", "min": 0.9}]}}
_ASKED: Document = {"production": {"approvals": {"min": 1, "from": ["leads"]}}}


def test_another_exam_is_another_policy() -> None:
    assert _digest(_EXAM, datasets=_PINNED) != _digest(_EXAM, datasets=_REPINNED)
    assert _digest(_EXAM, datasets=_PINNED) != _digest(_EXAM)
    assert _digest(_EXAM, datasets=_PINNED) == _digest(_EXAM, datasets=_MOVED)
    assert _digest(_EXAM, datasets=_PINNED) == _digest(_EXAM, datasets=_UNNAMED)


def test_other_members_of_a_group_are_another_policy() -> None:
    both: Document = {"leads": ["kim@example.org", "ana@example.org"]}
    turned: Document = {"leads": ["ana@example.org", "kim@example.org"], "others": ["b@c"]}
    assert _digest(_ASKED, groups=both) == _digest(_ASKED, groups=turned)
    assert _digest(_ASKED, groups=both) != _digest(_ASKED, groups={"leads": ["kim@example.org"]})
    assert _digest(STAGES, groups=both) == _digest(STAGES)


def test_whose_settings_judge_is_part_of_a_policy() -> None:
    assert _digest(STAGES, policy={"from": "rules"}) != _digest(STAGES)
    assert _digest(STAGES, policy={"signers": ".mlver/allowed_signers"}) == _digest(STAGES)
