"""The mutations that deploy what is not proven, not durable, or not ours; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_TESTS = "tests/features/deploying/test_deploy.py"
_HOSTILE = "tests/features/deploying/test_hostile_targets.py"
_VERIFIED = "tests/features/deploying/test_verified_deployments.py"
_ROOM = "project.serving"

TARGET_MUTATIONS = (
    Mutation(
        f"{_ROOM}.placing:_place_new", "durable.sync_directories(...)", "pass", "unsynced", "deploy"
    ),
    Mutation(
        f"{_ROOM}.placing:_fill_folder", "durable.sync_directory(...)", "pass", "unsynced", "deploy"
    ),
    Mutation(
        f"{_ROOM}.held_folder:write_new",
        "durable.sync_descriptor(...)",
        "pass",
        "unsynced",
        "deploy",
    ),
    Mutation(
        f"{_ROOM}.held_folder:write_inside",
        "durable.sync_directories(...)",
        "pass",
        "unsynced",
        "deploy-repair",
    ),
    Mutation(
        f"{_ROOM}.held_folder:move_aside",
        "durable.sync_directories(...)",
        "pass",
        "unsynced",
        "deploy",
    ),
    Mutation(
        f"{_ROOM}.switching:remove_links",
        "durable.sync_directory(...)",
        "pass",
        "unsynced",
        "deploy",
    ),
    Mutation(f"{_ROOM}.proving:_compare_folder", "_hash_file(...) == _", "True", "tests", _TESTS),
    Mutation(
        f"{_ROOM}.proving:_compare_folder", "not _is_regular(...)", "False", "tests", _HOSTILE
    ),
    Mutation(f"{_ROOM}.holders:_require_sealed", "all(...)", "False", "tests", _TESTS),
    Mutation(f"{_ROOM}.held_folder:_lock_folder", "fcntl.flock(...)", "pass", "tests", _TESTS),
    Mutation(
        f"{_ROOM}.deploying:_is_served", "switching.is_in_place(...)", "True", "tests", _TESTS
    ),
    Mutation(f"{_ROOM}.pending:read_pending", "proof.is_signed(...)", "True", "tests", _HOSTILE),
    Mutation(
        f"{_ROOM}.held_folder:_refuse_occupied",
        "not durable.is_temporary(_)",
        "False",
        "tests",
        _HOSTILE,
    ),
    Mutation(
        f"{_ROOM}.held_folder:_require_agreement",
        "not _.is_outside or _ or _",
        "True",
        "tests",
        _HOSTILE,
    ),
    Mutation(f"{_ROOM}.route_files:find_other_routes", "not is_own", "False", "tests", _HOSTILE),
    Mutation(
        f"{_ROOM}.version_files:_refuse_identity", "_ == IDENTITY", "False", "tests", _HOSTILE
    ),
    Mutation(f"{_ROOM}.plan:_list_removed", "_.record in needed", "False", "tests", _TESTS),
    Mutation(
        "project.audit.deployments:_agrees_with_origin",
        "origin.record == served.record",
        "True",
        "tests",
        _VERIFIED,
    ),
    Mutation(
        "project.audit.deployments:_judge_version",
        "_ != served.record",
        "False",
        "tests",
        _VERIFIED,
    ),
)
