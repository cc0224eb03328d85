"""The gate `approvals`: so many people said yes to this record, for this stage, under this rule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlver.errors import shell_command
from mlver.policy.approvals import (
    ApprovalCount,
    ApprovalFacts,
    ApprovalRequirement,
    GivenApproval,
    count_approvals,
    list_asked,
)
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult, Result

_STAGE = re.compile(r" for ([a-z][a-z0-9_]*)$")
_MOST_NAMED = 5


def judge_approvals(candidate: StageCandidate, setting: Mapping[str, Any]) -> GateResult:
    groups: Mapping[str, Any] = {}
    if candidate.policy is not None:
        groups = candidate.policy.groups
    requirement = ApprovalRequirement.from_setting(setting, groups)
    facts = candidate.approvals
    if facts is None:
        return GateResult(
            gate="approvals",
            result="inconclusive",
            expected=requirement.words,
            actual="nobody looked for approvals",
        )
    count = count_approvals(requirement, facts)
    return GateResult(
        gate="approvals",
        result=_decide(requirement, count),
        expected=f"{requirement.words}, for {facts.terms.stage}",
        actual=_describe_count(requirement, facts, count),
    )


def _decide(requirement: ApprovalRequirement, count: ApprovalCount) -> Result:
    if len(count.counted) >= requirement.least:
        return "pass"
    if len(count.counted) + count.undecided >= requirement.least:
        return "inconclusive"
    return "fail"


def _describe_count(
    requirement: ApprovalRequirement, facts: ApprovalFacts, count: ApprovalCount
) -> str:
    parts = [f"{len(count.counted)} of {requirement.least}"]
    if count.counted:
        parts[0] += f": {'; '.join(map(_describe_approval, count.counted))}"
    for approval, why in count.others[:_MOST_NAMED]:
        parts.append(f"that of {approval.person} {why}")
    more = len(count.others) - _MOST_NAMED
    if more > 0:
        parts.append(f"{more:,} more do not count")
    if requirement.people is not None and len(list_asked(requirement, facts)) < requirement.least:
        parts.append("fewer people than that may approve it")
    return "; ".join(parts)


def _describe_approval(approval: GivenApproval) -> str:
    if approval.signature.kind == "good":
        return f"{approval.person}, signed"
    return f"{approval.person}, unsigned: a name alone proves nothing"


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    stage = _STAGE.search(str(result.expected))
    name = "STAGE" if stage is None else stage[1]
    return (shell_command("mlver", "approve", ref, "--to", name, "-m", "WHY"),)


GATE = Gate(judge=judge_approvals, suggest_commands=suggest_commands)
