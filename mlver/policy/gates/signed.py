"""The gate `signed`: the version's seal and this promotion are signed by the people they name.

Approvals are signed as well, or do not count: see the gate `approvals`.
"""

from __future__ import annotations

import re

from mlver.errors import shell_command
from mlver.policy.approvals import ApprovalSignature
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult, Result
from mlver.records.tags import version_tag_name

_PROMOTION = "this promotion "
_SWITCH = "tag.gpgSign"
# A person and their key, as only a good signature has them.
_GOOD = re.compile(r"is signed by \S+ \S+")


def judge_signatures(candidate: StageCandidate, _: object) -> GateResult:
    facts = candidate.signatures
    result: Result = "inconclusive"
    actual = "nobody looked at the signatures"
    if facts is not None:
        signatures = (facts.seal, facts.promotion)
        kinds = {signature.kind for signature in signatures}
        result = "pass" if kinds == {"good"} else "fail"
        if "unknown" in kinds and kinds <= {"good", "unknown"}:
            result = "inconclusive"
        actual = f"the version {_describe(facts.seal)}; {_PROMOTION}{_describe(facts.promotion)}"
    return GateResult(
        gate="signed",
        result=result,
        expected="the version's seal and this promotion are signed by the people they name",
        actual=actual,
    )


def _describe(signature: ApprovalSignature) -> str:
    if signature.kind == "good":
        return f"is signed by {signature.signer}"
    return signature.words or "is not signed"


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    """The promoter's own key comes first: without it, nothing else helps."""
    version, _, promotion = str(result.actual).partition(f"; {_PROMOTION}")
    if _SWITCH in promotion:
        return ("git config tag.gpgSign true",)
    if not _GOOD.fullmatch(promotion):
        return ("git config user.signingKey", "git config gpg.format")
    model, _, number = ref.partition("@")
    tag = version_tag_name(model, number)
    if version.endswith("is not signed"):
        return (shell_command("git", "tag", "-d", tag), "mlver tag")
    return (shell_command("git", "verify-tag", tag),)


GATE = Gate(judge=judge_signatures, suggest_commands=suggest_commands)
