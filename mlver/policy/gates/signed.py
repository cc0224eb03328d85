"""The gate `signed`: the version's seal and this promotion are signed by the people they name.

Approvals are signed as well, or do not count: see the gate `approvals`.
"""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.policy.approvals import ApprovalSignature
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult, Result

_PROMOTION = "this promotion "


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
    _, _, promotion = str(result.actual).partition(_PROMOTION)
    if promotion and not promotion.startswith("is signed by"):
        return ("git config user.signingKey", "git config gpg.format")
    return (shell_command("mlver", "verify", ref),)


GATE = Gate(judge=judge_signatures, suggest_commands=suggest_commands)
