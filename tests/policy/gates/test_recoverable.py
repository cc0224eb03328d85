"""The gates `recoverable` and `copies` judge by what remotes answered, and by nothing else."""

from __future__ import annotations

import pytest

from mlver.policy.gates.gate import StageCandidate
from mlver.policy.gates.table import apply_gates, join_settings
from mlver.policy.policy_digest import build_policy, resolve_rule
from mlver.policy.recoverability import Recoverability
from mlver.records.config import ProjectConfig
from mlver.records.promotion import GateResult
from mlver.records.sections.stages import StageSettings
from mlver.records.values import Document

ASKED = "2026-01-02T03:04:05Z"
NAMED = ("recoverable", "copies 2")
RULE = StageSettings(gates={"requires": {"recoverable": True, "copies": 2}})


def make_facts(
    missing: dict[str, int],
    silent: dict[str, str] | None = None,
    branch: str | None = "origin/main",
    unbranched: str | None = None,
) -> Recoverability:
    return Recoverability(
        asked=ASKED,
        contents=5,
        missing=missing,
        silent=silent or {},
        branch=branch,
        unbranched=unbranched,
    )


def judge(recovery: Recoverability | None) -> list[GateResult]:
    candidate = StageCandidate(
        version="1.0.0", unsealed=None, stages_held=frozenset(), damage=None, recovery=recovery
    )
    return [result for result in apply_gates(RULE, candidate) if result.gate in NAMED]


BOTH = make_facts({"near": 0, "far": 0})
CASES = {
    "on both": (BOTH, "pass", "pass"),
    "on one": (make_facts({"near": 0, "far": 2}), "pass", "fail"),
    "on none": (make_facts({"near": 1, "far": 2}), "fail", "fail"),
    "one is silent": (make_facts({"near": 0}, {"far": "timed out"}), "pass", "inconclusive"),
    "all are silent": (
        make_facts({}, {"near": "x", "far": "timed out"}),
        "inconclusive",
        "inconclusive",
    ),
    "one lacks it, one is silent": (
        make_facts({"near": 1}, {"far": "timed out"}),
        "inconclusive",
        "fail",
    ),
    "there is no remote": (make_facts({}), "fail", "fail"),
    "not pushed": (make_facts({"near": 0, "far": 0}, branch=None), "fail", "pass"),
    "git's remote is silent": (
        make_facts({"near": 0, "far": 0}, branch=None, unbranched="origin did not answer"),
        "inconclusive",
        "pass",
    ),
    "nobody was asked": (None, "inconclusive", "inconclusive"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_remotes_answered_is_judged(name: str) -> None:
    facts, recoverable, copies = CASES[name]
    assert [result.result for result in judge(facts)] == [recoverable, copies]


def test_the_record_says_where_it_is_and_when_that_was_asked() -> None:
    recoverable, copies = judge(BOTH)
    where = f"all of it is on near and far (asked {ASKED})"
    assert recoverable.actual == f"{where}; its record is on origin/main"
    assert (copies.expected, copies.actual) == ("every byte is on 2 remotes", where)
    recoverable, _ = judge(make_facts({"near": 2}, {"far": "timed out"}))
    assert recoverable.actual == (
        f"2 of 5 contents are not on near; far did not answer: timed out (asked {ASKED})"
    )
    assert judge(None)[0].actual == "no remote was asked"


REMOTES: Document = {"near": {"url": "/mnt/store"}}


@pytest.mark.parametrize(
    ("rule", "remotes", "is_asked"),
    [
        ({}, {}, False),
        ({}, REMOTES, True),
        ({"requires": {"recoverable": False}}, REMOTES, False),
        ({"requires": {"recoverable": True}}, {}, True),
        ({"requires": {"copies": 2}}, REMOTES, True),
    ],
)
def test_every_stage_asks_for_it_once_there_are_remotes(
    rule: Document, remotes: Document, *, is_asked: bool
) -> None:
    config = ProjectConfig.from_document({"stages": {"staging": rule}, "remotes": remotes})
    resolved = resolve_rule(config, "staging")
    policy = build_policy(config, "staging")
    assert resolved is not None
    assert policy is not None
    assert bool(resolved.gates.get("recoverable")) is is_asked
    assert ("recoverable" in policy.rule) is is_asked


def test_settings_in_both_places_are_joined() -> None:
    rule = StageSettings(gates={"verified": True, "requires": {"verified": False, "copies": 1}})
    assert join_settings(rule) == {"verified": True, "copies": 1}
