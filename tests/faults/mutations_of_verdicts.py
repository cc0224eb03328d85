"""The mutations that let a verdict say what it likes; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_JUDGE_TESTS = "tests/features/monitoring/test_forged_verdicts.py"

_GATE = "policy.gates.judged"
_GATE_TESTS = "tests/policy/gates/test_judged.py"

VERDICT_MUTATIONS = (
    Mutation(f"{_GATE}:_judge", "faults.get(_)", "None", "tests", _GATE_TESTS),
    Mutation(
        f"{_GATE}:find_last",
        "(_1[0].stage, _1[0].sequence)",
        "(_1[0].stage, _1[0].created)",
        "tests",
        _GATE_TESTS,
    ),
    Mutation(f"{_GATE}:judge_verdict_gate", "('fail', 'inconclusive')", "()", "tests", _GATE_TESTS),
    Mutation(
        "project.stages.recorded_verdicts:read_counting_verdicts",
        "not is_known_stage(...)",
        "False",
        "tests",
        _JUDGE_TESTS,
    ),
    Mutation(
        "project.stages.recorded_verdicts:read_counting_verdicts",
        "find_late_verdicts(...)",
        "{}",
        "tests",
        _JUDGE_TESTS,
    ),
    Mutation(
        "project.audit.attached_links:judge_verdict",
        "not is_known_stage(...)",
        "False",
        "tests",
        _JUDGE_TESTS,
    ),
    Mutation(
        "project.audit.admission:_judge_verdicts",
        "audit.judge_verdict_dates(...)",
        "()",
        "tests",
        _JUDGE_TESTS,
    ),
    Mutation(
        "project.audit.audit:judge_verdict_dates",
        "find_late_verdicts(...)",
        "dict[str, str]()",
        "tests",
        _JUDGE_TESTS,
    ),
    Mutation(
        "project.audit.attached_links:judge_verdict",
        "_ == record.version",
        "False",
        "tests",
        _JUDGE_TESTS,
    ),
)
