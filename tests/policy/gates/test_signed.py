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
    hints = GATE.suggest_commands("m@1.0.0", judge("unsigned", "good"))
    assert hints == ("git tag -d m@v1.0.0", "mlver tag")
    hints = GATE.suggest_commands("m@1.0.0", judge("good", "unsigned"))
    assert hints == ("git config user.signingKey", "git config gpg.format")


@pytest.mark.parametrize(
    ("seal", "promotion", "hints"),
    [
        (
            "is not signed",
            "would not be signed: git is not told to (tag.gpgSign)",
            ("git config tag.gpgSign true",),
        ),
        (
            "is signed by kim@example.org SHA256:k",
            "is signed by ana@example.org",
            ("git config user.signingKey", "git config gpg.format"),
        ),
        (
            "is signed by a key that is not listed",
            "is signed by kim@example.org SHA256:k",
            ("git verify-tag m@v1.0.0",),
        ),
    ],
)
def test_the_next_command_is_about_what_is_wrong(
    seal: str, promotion: str, hints: tuple[str, ...]
) -> None:
    actual = f"the version {seal}; this promotion {promotion}"
    result = GateResult(gate="signed", result="fail", expected="", actual=actual)
    assert GATE.suggest_commands("m@1.0.0", result) == hints
