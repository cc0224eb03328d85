"""The mutations that believe what is kept beside a version unpinned; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_TENSOR_TESTS = "tests/project/artifacts/test_kept_tensors.py"
_PROFILE_TESTS = "tests/features/drifting/test_profiles.py"
_RUN_TESTS = "tests/features/runs/test_register_run.py"

KEPT_MUTATIONS = (
    Mutation(
        "project.artifacts.kept_tensors:read_kept_tensors",
        "Digest.of_bytes(data) == _1",
        "True",
        "tests",
        _TENSOR_TESTS,
    ),
    Mutation(
        "project.artifacts.kept_profiles:read_profile",
        "Digest.of_bytes(_) != _1",
        "False",
        "tests",
        _PROFILE_TESTS,
    ),
    # What lies there before a registration is not taken over unread.
    Mutation(
        "project.artifacts.kept_tensors:_choose_kept",
        "_.agrees_with(_1)",
        "True",
        "tests",
        _TENSOR_TESTS,
    ),
    Mutation(
        "project.tables.keeping:_choose_profile",
        "not _.agrees_with(_1)",
        "False",
        "tests",
        _PROFILE_TESTS,
    ),
    # Weights that no run wrote do not come of one, and no run becomes two versions.
    Mutation(
        "project.registering.from_run:require_own_weights",
        "_.weights is None",
        "False",
        "tests",
        _RUN_TESTS,
    ),
    Mutation(
        "project.registering.from_run:require_own_weights",
        "_.digest != digest",
        "False",
        "tests",
        _RUN_TESTS,
    ),
    Mutation(
        "project.registering.from_run:find_source",
        "_.outcome != 'finished'",
        "False",
        "tests",
        _RUN_TESTS,
    ),
    Mutation(
        "project.registering.register:_make_record",
        "refuse_registered(...)",
        "pass",
        "tests",
        _RUN_TESTS,
    ),
    # What the disk did not give today would be missing for ever.
    Mutation(
        "project.tables.keeping:keep_profiles",
        "isinstance(error.__cause__, OSError)",
        "False",
        "tests",
        _PROFILE_TESTS,
    ),
    # Somebody's mlver may have been made to lie.
    Mutation(
        "features.checking.verified_kept:_DerivedAgain._judge_tensors",
        "not _.agrees_with(_1)",
        "False",
        "tests",
        _TENSOR_TESTS,
    ),
    Mutation(
        "features.checking.verified_kept:_DerivedAgain._check_profile",
        "not _.agrees_with(_1)",
        "False",
        "tests",
        _PROFILE_TESTS,
    ),
    Mutation(
        "features.checking.verified_kept:_check_run",
        "_.digest != _1",
        "False",
        "tests",
        _RUN_TESTS,
    ),
)
