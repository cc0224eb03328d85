"""The gate `approvals`: pass, fail and inconclusive, and what would settle it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.digest import Digest
from mlver.policy.approvals import (
    ApprovalFacts,
    ApprovalSignature,
    ApprovalTerms,
    GivenApproval,
    SignatureKind,
)
from mlver.policy.gates.approvals import GATE
from mlver.policy.gates.gate import StageCandidate
from mlver.policy.stage_policy import StagePolicy
from mlver.records.approval import ApprovalAction, ApprovalRecord
from mlver.records.promotion import GateResult
from mlver.records.references import PolicyReference, VersionReference

RECORD, POLICY, OTHER = (Digest(letter * 64) for letter in "abc")
HOLDER = VersionReference("1.0.0", OTHER)
TERMS = ApprovalTerms(stage="production", record=RECORD, policy=POLICY, baseline=HOLDER)
NOW = 1_800_000_000
DAY = 86_400
RULE: dict[str, Any] = {"min": 2, "from": ["leads", "leo@example.org"]}
GROUPS = {"leads": ["ana@example.org", "Kim <KIM@example.org>"]}


def approve(
    name: str,
    number: int = 1,
    *,
    kind: SignatureKind = "good",
    action: ApprovalAction = "approve",
    key: str | None = None,
    age: int = DAY,
    **changes: Any,
) -> GivenApproval:
    """An approval of the very record, under the very policy, beside the very holder."""
    record = ApprovalRecord(
        model="m",
        version="1.1.0",
        stage="production",
        sequence=number,
        action=action,
        created="2027-01-01T00:00:00Z",
        author=f"{name.capitalize()} <{name}@example.org>",
        message="Fine",
        record=RECORD,
        policy=PolicyReference(commit=None, digest=POLICY, signers=None),
        baseline=HOLDER,
    )
    signer = f"{name}@example.org SHA256:{key or name}" if kind == "good" else None
    return GivenApproval(
        record=replace(record, **changes),
        digest=Digest(f"{number:064d}"),
        landed=NOW - age,
        signature=ApprovalSignature(kind=kind, words="" if kind == "good" else kind, signer=signer),
    )


def judge(
    *given_approvals: GivenApproval,
    rule: dict[str, Any] = RULE,
    signed: bool = False,
    terms: ApprovalTerms = TERMS,
    promoter: str = "Pat <pat@example.org>",
) -> GateResult:
    facts = ApprovalFacts(
        terms=terms,
        given=given_approvals,
        author="Dev <dev@example.org>",
        promoter=promoter,
        now=NOW,
        signed=signed,
    )
    candidate = StageCandidate(
        version="1.1.0",
        unsealed=None,
        stages_held=frozenset(),
        damage=None,
        policy=StagePolicy(rule={}, groups=GROUPS),
        approvals=facts,
    )
    return GATE.judge(candidate, rule)


def test_two_of_those_who_may() -> None:
    result = judge(approve("ana", 1), approve("kim", 2))
    assert result.result == "pass"
    assert result.actual == "2 of 2: ana@example.org, signed; kim@example.org, signed"
    assert result.expected == (
        "approvals by 2 of leads, leo@example.org, not the author or the promoter, for production"
    )


def test_one_is_too_few_and_the_next_command_is_named() -> None:
    result = judge(approve("ana"))
    assert result.result == "fail"
    assert GATE.suggest_commands("m@1.1.0", result) == (
        "mlver approve m@1.1.0 --to production -m WHY",
    )


def test_where_nobody_looked() -> None:
    candidate = StageCandidate(version="", unsealed=None, stages_held=frozenset(), damage=None)
    assert GATE.judge(candidate, RULE).result == "inconclusive"
    assert GATE.judge(candidate, RULE).gate == "approvals"


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (approve("leo", 2, record=OTHER), "was given for another record of the version"),
        (approve("leo", 2, policy=None), "was given under another rule of the stage"),
        (approve("leo", 2, baseline=None), "was given while the stage was empty"),
        (
            approve("leo", 2, baseline=VersionReference("0.9.0", OTHER)),
            "was given while 0.9.0 held the stage",
        ),
        (approve("dev", 2), "is by the version's author"),
        (approve("eve", 2), "is by somebody who may not approve"),
        (approve("leo", 2, kind="false"), "false"),
        (approve("leo", 2, key="ana"), "is signed by a key that signed another one"),
    ],
)
def test_what_does_not_count(second: GivenApproval, why: str) -> None:
    result = judge(approve("ana"), second)
    assert result.result == "fail"
    assert f"that of {second.person} {why}" in str(result.actual)


def test_what_an_earlier_promotion_used_up() -> None:
    terms = replace(TERMS, spent=frozenset({Digest(f"{2:064d}")}))
    result = judge(approve("ana"), approve("leo", 2), terms=terms)
    assert "that of leo@example.org was used up by an earlier promotion" in str(result.actual)


def test_what_was_signed_under_another_number_is_used_up_with_that() -> None:
    terms = replace(TERMS, spent=frozenset({OTHER}))
    second = replace(approve("leo", 2), sealed=OTHER)
    assert judge(approve("ana"), second, terms=terms).result == "fail"


@pytest.mark.parametrize("kind", ["unsigned", "unlisted"])
def test_a_name_alone_counts_only_where_no_signature_is_asked_for(kind: SignatureKind) -> None:
    second = approve("leo", 2, kind=kind)
    assert judge(approve("ana"), second).result == "pass"
    assert judge(approve("ana"), second, signed=True).result == "fail"


def test_what_cannot_be_checked_here_is_inconclusive() -> None:
    unknown = approve("leo", 2, kind="unknown")
    assert judge(approve("ana"), unknown, signed=True).result == "inconclusive"
    undated = replace(approve("leo", 2), landed=None)
    assert judge(approve("ana"), undated, rule={**RULE, "within": "30d"}).result == "inconclusive"
    # It would not be enough.
    assert judge(unknown, signed=True).result == "fail"


@pytest.mark.parametrize(("age", "result"), [(30 * DAY, "pass"), (30 * DAY + 1, "fail")])
def test_how_long_it_counts(age: int, result: str) -> None:
    rule = {**RULE, "within": "30d"}
    assert judge(approve("ana", age=age), approve("leo", 2), rule=rule).result == result


def test_the_rule_may_let_author_and_promoter() -> None:
    rule = {"min": 2, "not": []}
    given_approvals = (approve("dev"), approve("pat", 2))
    assert judge(*given_approvals, rule=rule).result == "pass"
    assert judge(*given_approvals, rule={"min": 2, "not": ["author"]}).result == "fail"
    assert judge(*given_approvals, rule={"min": 2}).result == "fail"


def test_a_name_in_a_rule_stands_for_nobody() -> None:
    """Anybody can be called Leads."""
    second = approve("leo", 2, author="leads <>")
    assert judge(approve("ana"), second, rule={"min": 2, "from": ["absent"]}).result == "fail"


def test_a_rule_that_nobody_can_meet_says_so() -> None:
    result = judge(rule={"min": 4, "from": ["leads"]})
    assert "fewer people than that may approve it" in str(result.actual)


def test_a_yes_after_a_no_counts_again() -> None:
    no = approve("ana", 2, action="revoke")
    given_approvals = [approve("ana"), no, approve("leo", 3)]
    assert judge(*given_approvals).result == "fail"
    assert judge(*given_approvals, approve("ana", 4)).result == "pass"


def test_a_no_counts_whoever_signed_it() -> None:
    no = approve("ana", 3, action="revoke", kind="unsigned")
    assert judge(approve("ana"), approve("leo", 2), no, signed=True).result == "fail"


PEOPLE = st.sampled_from(["ana", "kim", "leo", "dev", "eve", "pat"])
KINDS = st.sampled_from(["good", "unsigned", "unlisted", "false", "unknown"])
ACTIONS = st.sampled_from(["approve", "approve", "approve", "revoke"])
SETTINGS = st.fixed_dictionaries(
    {"min": st.integers(1, 3)},
    optional={
        "from": st.just(["leads", "leo@example.org"]),
        "not": st.sampled_from([[], ["author"], ["promoter"], ["author", "promoter"]]),
        "within": st.sampled_from(["1h", "2d", "9w"]),
    },
)


@given(
    approvals=st.lists(st.tuples(PEOPLE, KINDS, ACTIONS, st.integers(0, 10 * DAY)), max_size=6),
    rule=SETTINGS,
)
def test_asking_more_never_opens_the_gate(
    approvals: list[tuple[str, SignatureKind, ApprovalAction, int]], rule: dict[str, Any]
) -> None:
    made = [
        approve(name, number, kind=kind, action=action, age=age)
        for number, (name, kind, action, age) in enumerate(approvals, 1)
    ]
    if judge(*made, rule=rule).result == "pass":
        return
    assert judge(*made, rule={**rule, "min": rule["min"] + 1}).result != "pass"
    assert judge(*made, rule=rule, signed=True).result != "pass"
    assert judge(*made, rule={**rule, "within": "1h"}).result != "pass"
    assert judge(*made, rule={**rule, "not": ["author", "promoter"]}).result != "pass"
