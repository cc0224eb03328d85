"""The mutations that take bytes on trust; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation
from tests.faults.mutations_of_amending import AMENDING_MUTATIONS
from tests.faults.mutations_of_approvals import APPROVAL_MUTATIONS
from tests.faults.mutations_of_drift import DRIFT_MUTATIONS
from tests.faults.mutations_of_files import FILE_MUTATIONS
from tests.faults.mutations_of_kept import KEPT_MUTATIONS
from tests.faults.mutations_of_links import LINK_MUTATIONS
from tests.faults.mutations_of_mirrors import MIRROR_MUTATIONS
from tests.faults.mutations_of_parts import PARTS_MUTATIONS
from tests.faults.mutations_of_remotes import REMOTE_MUTATIONS
from tests.faults.mutations_of_routes import ROUTE_MUTATIONS
from tests.faults.mutations_of_seals import SEAL_MUTATIONS
from tests.faults.mutations_of_series import SERIES_MUTATIONS
from tests.faults.mutations_of_serving import SERVING_MUTATIONS
from tests.faults.mutations_of_sharing import SHARING_MUTATIONS
from tests.faults.mutations_of_storage import STORAGE_MUTATIONS
from tests.faults.mutations_of_targets import TARGET_MUTATIONS
from tests.faults.mutations_of_verdicts import VERDICT_MUTATIONS
from tests.faults.mutations_of_watching import WATCHING_MUTATIONS

TRUST_MUTATIONS = (
    # -- bytes that are taken on trust
    Mutation(
        "project.registry.registry:RecordRegistry.manifest_bytes",
        "Digest.of_bytes(_) != _",
        "False",
        "tests",
        "tests/project/registry/test_registry.py",
    ),
    Mutation(
        "project.registry.registry:_require_place",
        "_.record_path != _",
        "False",
        "tests",
        "tests/project/audit/test_check_repository.py",
    ),
    Mutation(
        "policy.chain:judge_tag",
        "record != _.sealed",
        "False",
        "tests",
        "tests/policy/test_chain.py",
    ),
    Mutation(
        "policy.chain:judge_history", "_.prior != _", "False", "tests", "tests/policy/test_chain.py"
    ),
    Mutation(
        "policy.chain:judge_tag",
        "_.committed != _.sealed",
        "False",
        "tests",
        "tests/policy/test_chain.py",
    ),
    Mutation(
        "policy.chain:judge_history",
        "_[_.version] != _.record",
        "False",
        "tests",
        "tests/policy/test_chain.py",
    ),
    Mutation(
        "policy.chain:judge_history",
        "_.format < _",
        "False",
        "tests",
        "tests/policy/test_chain.py",
    ),
    Mutation(
        "policy.chain:judge_promotion_seals",
        "_.sequence < _",
        "False",
        "tests",
        "tests/policy/test_chain.py",
    ),
    Mutation(
        "policy.chain:_judge_promotion_tag",
        "_ and _.format > 1",
        "False",
        "tests",
        "tests/policy/test_chain.py",
    ),
    Mutation(
        "project.tags.promotion_seals:require_free_name",
        "_ is None",
        "True",
        "tests",
        "tests/features/releasing/test_promotion_seals.py",
    ),
    Mutation(
        "project.stages.candidate:_find_stages_held",
        "set(_.states.values()) == {'unsealed'}",
        "False",
        "tests",
        "tests/features/releasing/test_promotion_seals.py",
    ),
    Mutation(
        "project.audit.unconfirmed_versions:find_late_versions",
        "message is not None",
        "False",
        "tests",
        "tests/project/audit/test_unconfirmed_versions.py",
    ),
    Mutation(
        "project.audit.unconfirmed_versions:find_late_versions",
        "is_early or _",
        "is_early",
        "tests",
        "tests/project/audit/test_unconfirmed_versions.py",
    ),
    Mutation(
        "project.tags.seen_tags:SeenTags.find_times",
        "max(_1, _2)",
        "_1",
        "tests",
        "tests/project/audit/test_unconfirmed_versions.py",
    ),
    Mutation(
        "project.audit.unconfirmed_versions:select_judged",
        "_1 or _.is_late(...)",
        "_1",
        "tests",
        "tests/project/audit/test_unconfirmed_versions.py",
    ),
    Mutation(
        "project.audit.adopted_versions:_is_origin",
        "_1 and _2 and _ == _.recorded_author",
        "_1 and _2",
        "tests",
        "tests/project/audit/test_unconfirmed_versions.py",
    ),
    Mutation(
        "project.audit.adopted_versions:_names_version",
        "_[_] not in _.list_models(...)",
        "True",
        "tests",
        "tests/project/audit/test_unconfirmed_versions.py",
    ),
    Mutation(
        "project.audit.landed_records:drop_landed",
        "_.subject not in landed",
        "True",
        "tests",
        "tests/project/audit/test_landed_records.py",
    ),
    Mutation(
        "project.audit.landed_records:_list_mains",
        "is_before_push or list_unreachable(...)",
        "True",
        "tests",
        "tests/project/audit/test_landed_records.py",
    ),
    Mutation(
        "project.audit.landed_records:_list_mains",
        "not any(...) and not is_before_push",
        "not any(references)",
        "tests",
        "tests/project/audit/test_landed_records.py",
    ),
    Mutation(
        "features.hooks.push:_judge_branch",
        "_ not in (side.protected, side.main)",
        "False",
        "tests",
        "tests/project/audit/test_landed_records.py",
    ),
    Mutation(
        "project.audit.incoming_versions:judge_incoming_versions",
        "select_judged(_, landed)",
        "landed",
        "tests",
        "tests/project/audit/test_pushed_tags.py",
    ),
    Mutation(
        "project.tags.seen_tags:SeenTags.read_tags",
        "self.pushed.get(_, _2)",
        "_2",
        "tests",
        "tests/project/audit/test_pushed_tags.py",
    ),
    Mutation(
        "project.tags.seen_tags:SeenTags.may_lack_some",
        "self.in_hook",
        "False",
        "tests",
        "tests/project/audit/test_unconfirmed_versions.py",
    ),
    Mutation(
        "project.audit.audit:check_manifest",
        "_ is not None and _ != _",
        "False",
        "tests",
        "tests/project/audit/test_check_repository.py",
    ),
    Mutation(
        "project.audit.audit:_compare_with_head",
        "_ != _",
        "False",
        "tests",
        "tests/features/checking/test_damage.py",
    ),
    Mutation(
        "project.audit.audit:check_record",
        "_.record != _",
        "False",
        "tests",
        "tests/project/audit/test_check_repository.py",
    ),
    Mutation(
        "git.history_walk:HistoryWalk.find_contents",
        "_.is_ancestor(...)",
        "True",
        "tests",
        "tests/git/test_history_walk.py",
    ),
    Mutation(
        "git.history_walk:_ContentIndex.add_changes",
        "_ != _",
        "False",
        "tests",
        "tests/git/test_history_walk.py",
    ),
    Mutation(
        "git.history_walk:_bound_changes",
        "_ > _",
        "False",
        "tests",
        "tests/git/test_history_walk.py",
    ),
    Mutation(
        "project.audit.attached_links:judge_link",
        "record.prior != digest",
        "False",
        "tests",
        "tests/features/correcting/test_note.py",
    ),
    Mutation(
        "project.audit.judged_rollouts:judge_rollouts",
        "judge.judge_promotion(...)",
        "()",
        "tests",
        "tests/project/audit/test_rollouts.py",
    ),
    Mutation(
        "policy.rollouts:find_open",
        "_.baseline != _",
        "False",
        "tests",
        "tests/policy/test_rollouts.py",
    ),
    Mutation(
        "project.stages.conditions:find_reason_against",
        "_.holder.version != expected",
        "False",
        "tests",
        "tests/features/stages/test_conditional_rollback.py",
    ),
    Mutation(
        "project.stages.promote:_plan_move",
        "require_unretired(...)",
        "",
        "tests",
        "tests/features/correcting/test_retire.py",
    ),
    Mutation(
        "project.tags.trust:read_vouched_record",
        "_.record != _",
        "False",
        "tests",
        "tests/test_api.py",
    ),
    Mutation(
        "project.edit.edit:PlannedEdit.commit_files",
        "kept_code.keep_code(...)",
        "",
        "tests",
        "tests/features/releasing/test_code_references.py",
    ),
    Mutation(
        "project.edit.edit:PlannedEdit.seal_records",
        "kept_code.keep_code(...)",
        "",
        "tests",
        "tests/features/releasing/test_code_references.py",
    ),
    Mutation(
        "project.edit.recovery:_make_tags",
        "kept_code.keep_code(...)",
        "",
        "tests",
        "tests/features/releasing/test_code_references.py",
    ),
    Mutation(
        "project.tags.missing_seals:_choose_commits",
        "_ == _",
        "True",
        "tests",
        "tests/project/tags/test_missing_seals.py",
    ),
    Mutation(
        "project.tags.missing_seals:_plan_version_tag",
        "_.record != Digest.of_bytes(_)",
        "False",
        "tests",
        "tests/features/releasing/test_seals.py",
    ),
    *FILE_MUTATIONS,
    *STORAGE_MUTATIONS,
    *PARTS_MUTATIONS,
    *REMOTE_MUTATIONS,
    *SHARING_MUTATIONS,
    *SERIES_MUTATIONS,
    *ROUTE_MUTATIONS,
    *TARGET_MUTATIONS,
    *SERVING_MUTATIONS,
    *WATCHING_MUTATIONS,
    *KEPT_MUTATIONS,
    *LINK_MUTATIONS,
    *AMENDING_MUTATIONS,
    *APPROVAL_MUTATIONS,
    *DRIFT_MUTATIONS,
    *VERDICT_MUTATIONS,
    *MIRROR_MUTATIONS,
    *SEAL_MUTATIONS,
)
