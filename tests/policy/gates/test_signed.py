"""The gate `signed`: pass, fail and inconclusive."""

from __future__ import annotations

import pytest

from mlver.policy.approvals import ApprovalSignature, SignatureFacts, SignatureKind
from mlver.policy.gates.gate import StageCandidate
from mlver.policy.gates.signed import GATE
from mlver.records.promotion import GateResult


def judge(seal: SignatureKind, promotion: SignatureKind) -> GateResult:
    def sign(kind: SignatureKind) -> ApprovalSignature:
        signer = "kim@example.org SHA256:k" if kind == "good" else None
        return ApprovalSignature(kind=kind, signer=signer)

    facts = SignatureFacts(seal=sign(seal), promotion=sign(promotion))
    candidate = StageCandidate(
        version="", unsealed=None, stages_held=frozenset(), damage=None, signatures=facts
    )
    return GATE.judge(candidate, True)


@pytest.mark.parametrize(
    ("seal", "promotion", "result"),
    [
        ("good", "good", "pass"),
        ("unsigned", "good", "fail"),
        ("unlisted", "good", "fail"),
        ("false", "good", "fail"),
        ("unknown", "good", "inconclusive"),
        ("good", "unknown", "inconclusive"),
        ("good", "unsigned", "fail"),
        ("unknown", "false", "fail"),
    ],
)
def test_only_good_signatures_open_it(
    seal: SignatureKind, promotion: SignatureKind, result: str
) -> None:
    assert judge(seal, promotion).result == result


def test_where_nobody_looked() -> None:
    candidate = StageCandidate(version="", unsealed=None, stages_held=frozenset(), damage=None)
    assert GATE.judge(candidate, True).result == "inconclusive"


def test_the_next_command() -> None:
    assert GATE.suggest_commands("m@1.0.0", judge("unsigned", "good")) == ("mlver verify m@1.0.0",)
    hints = GATE.suggest_commands("m@1.0.0", judge("good", "unsigned"))
    assert hints == ("git config user.signingKey", "git config gpg.format")
