"""The mutations of what approvals and signatures are worth; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_BINDING = "policy.approvals:find_binding_fault"
_GATE_TESTS = "tests/policy/gates/test_approvals.py"
_SIGNED_TESTS = "tests/features/approving/test_signed.py"

APPROVAL_MUTATIONS = (
    Mutation(_BINDING, "record.record != _", "False", "tests", _GATE_TESTS),
    Mutation(_BINDING, "record.baseline != _", "False", "tests", _GATE_TESTS),
    Mutation(_BINDING, "approval.digest in _", "False", "tests", _GATE_TESTS),
    Mutation(_BINDING, "approval.sealed in _", "False", "tests", _GATE_TESTS),
    Mutation(
        "project.history.signers:SignatureJudge._compare",
        "identify_person(_) != identify_person(_)",
        "False",
        "tests",
        _SIGNED_TESTS,
    ),
    Mutation(
        "project.history.signers:SignatureJudge._judge_parsed",
        "parsed.tag.seals != sealed",
        "False",
        "tests",
        _SIGNED_TESTS,
    ),
    Mutation(
        "project.history.given_approvals:judge_given",
        "sealed in digests",
        "False",
        "tests",
        _SIGNED_TESTS,
    ),
    Mutation(
        "policy.allowed_signers:_is_valid",
        "at >= seconds",
        "False",
        "tests",
        "tests/policy/test_allowed_signers.py",
    ),
    Mutation(
        "git.detached_seals:sign_blob",
        "parse_seal(_) is None",
        "False",
        "tests",
        "tests/git/test_detached_seals.py",
    ),
    Mutation(
        "project.audit.recorded_approvals:_judge_count",
        "possible - _ >= _",
        "True",
        "tests",
        "tests/features/approving/test_judged_again.py",
    ),
)
