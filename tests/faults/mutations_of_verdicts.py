"""The mutations that let a verdict say what it likes; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_JUDGE_TESTS = "tests/features/monitoring/test_judge.py"

VERDICT_MUTATIONS = (
    Mutation(
        "project.audit.attached_links:judge_verdict",
        "_ == record.version",
        "False",
        "tests",
        _JUDGE_TESTS,
    ),
)
