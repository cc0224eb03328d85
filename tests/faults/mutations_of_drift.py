"""The mutations of what a drift is worth, and of how tables are read; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_GATE = "policy.gates.undrifted"
_GATE_TESTS = "tests/policy/gates/test_undrifted.py"
_RECORDED = "policy.drift.recorded"
_RECORDED_TESTS = "tests/policy/drift/test_recorded.py"
_AUDIT_TESTS = "tests/project/audit/test_recorded_drifts.py"
_DRIFT_TESTS = "tests/features/drifting/test_drift.py"
_TABLE = "content.tables.table"
_TABLE_TESTS = "tests/content/tables/test_hostile_tables.py"

DRIFT_MUTATIONS = (
    # -- what answers the question of the gate
    Mutation(f"{_GATE}:_find_last", "_.kind != 'skew'", "False", "tests", _GATE_TESTS),
    Mutation(f"{_GATE}:_find_last", "_.record != _.digest", "False", "tests", _GATE_TESTS),
    Mutation(f"{_GATE}:_find_last", "own.digest == _.digest", "True", "tests", _GATE_TESTS),
    Mutation(f"{_GATE}:_find_doubt", "served is None", "False", "tests", _GATE_TESTS),
    Mutation(
        f"{_GATE}:_find_doubt",
        "served in _",
        "False",
        "tests",
        _GATE_TESTS,
    ),
    Mutation(f"{_GATE}:_find_doubt", "_.repeated > _", "False", "tests", _GATE_TESTS),
    Mutation(
        f"{_GATE}:_find_doubt",
        "unseen = _",
        "unseen = set[str]()",
        "tests",
        _GATE_TESTS,
    ),
    Mutation(
        f"{_GATE}:_judge_evaluation", "if table.removed:\n    ...", "pass", "tests", _GATE_TESTS
    ),
    Mutation(f"{_GATE}:_find_contradiction", "profile is None", "False", "tests", _GATE_TESTS),
    Mutation(f"{_GATE}:_find_contradiction", "next(...)", "None", "tests", _GATE_TESTS),
    Mutation(
        f"{_GATE}:_find_contradiction",
        "find_false_own(...)",
        "None",
        "tests",
        _GATE_TESTS,
    ),
    Mutation(
        "policy.drift.verdict:_join_verdicts",
        "verdicts == {'none'}",
        "'none' in verdicts",
        "tests",
        _GATE_TESTS,
    ),
    Mutation(
        "project.stages.candidate:_read_recorded",
        "read_pinned_profiles(...)",
        "{}",
        "tests",
        _AUDIT_TESTS,
    ),
    Mutation(
        "policy.drift.contradictions:_find_column_fault",
        "not is_same",
        "False",
        "tests",
        _RECORDED_TESTS,
    ),
    Mutation(
        "policy.drift.contradictions:_find_column_fault",
        "not _has_whole_counts(...)",
        "False",
        "tests",
        _RECORDED_TESTS,
    ),
    Mutation(
        "project.audit.gate_evidence:EvidenceReader._describe",
        "read_pinned_profiles(...)",
        "{}",
        "tests",
        _AUDIT_TESTS,
    ),
    Mutation(
        "project.audit.recorded_drifts:_list_faults",
        "find_false_own(...)",
        "None",
        "tests",
        _AUDIT_TESTS,
    ),
    Mutation(
        f"{_RECORDED}:list_contradictions",
        "list_false_columns(drift)",
        "()",
        "tests",
        _RECORDED_TESTS,
    ),
    Mutation(
        f"{_GATE}:_judge_evaluation",
        "judge_recorded(drift, _)",
        "judge_recorded(drift, drift.thresholds)",
        "tests",
        _GATE_TESTS,
    ),
    # -- the thresholds belong to the policy
    Mutation("policy.policy_digest:build_policy", "drift=_", "drift={}", "tests", _AUDIT_TESTS),
    Mutation(
        "policy.looser:_compare_policies", "if new.drift:\n    ...", "pass", "tests", _AUDIT_TESTS
    ),
    # -- what audit reads again
    Mutation(
        "policy.recorded_results:_judge_last",
        "None in differences",
        "True",
        "tests",
        _AUDIT_TESTS,
    ),
    Mutation(
        f"{_RECORDED}:list_contradictions",
        "own.digest != _.digest",
        "False",
        "tests",
        _RECORDED_TESTS,
    ),
    Mutation(
        f"{_RECORDED}:list_contradictions",
        "_.get(METRICS) != _",
        "False",
        "tests",
        _RECORDED_TESTS,
    ),
    Mutation(
        f"{_RECORDED}:find_false_measure",
        "abs(_) > tolerance",
        "False",
        "tests",
        _RECORDED_TESTS,
    ),
    Mutation(
        f"{_RECORDED}:_is_same_column",
        "not is_close(...)",
        "False",
        "tests",
        _RECORDED_TESTS,
    ),
    Mutation(
        "project.audit.recorded_drifts:_list_faults",
        "own is not None",
        "False",
        "tests",
        _AUDIT_TESTS,
    ),
    Mutation(
        "project.audit.recorded_drifts:_list_faults",
        "fault is not None",
        "False",
        "tests",
        _AUDIT_TESTS,
    ),
    # -- copies of the training data
    Mutation(
        "features.drifting.drift:_refuse_own_data",
        "own is not None",
        "False",
        "tests",
        _DRIFT_TESTS,
    ),
    Mutation(
        "project.history.data_uses:find_own_data",
        "folder in names",
        "False",
        "tests",
        _DRIFT_TESTS,
    ),
    # -- whoever was interrupted runs the command again
    Mutation(
        "features.drifting.recorded:record_drift",
        "_says_same(...)",
        "False",
        "kill",
        "drift",
    ),
    Mutation(
        "project.tables.sources:find_version_table",
        "_is_unreadable(...)",
        "False",
        "errors",
        "drift:open#3:once-EIO",
    ),
    Mutation(
        "features.drifting.recorded:_plan_profiles",
        "not known.agrees_with(profile)",
        "False",
        "tests",
        "tests/features/drifting/test_profiles.py",
    ),
    # -- tables that mean harm
    Mutation(f"{_TABLE}:_refuse_unfit_text", "has_nul(...)", "False", "tests", _TABLE_TESTS),
    Mutation(f"{_TABLE}:_require_claimed_rows", "claimed != rows", "False", "tests", _TABLE_TESTS),
    Mutation(
        "content.tables.engine:_limit_spill",
        "_SPILL_FACTOR * size",
        "1 << 60",
        "tests",
        _TABLE_TESTS,
    ),
)
