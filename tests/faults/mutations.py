"""Takes each safeguard out of a copy of mlver; a campaign has to notice.

A line here is one mutation: the function, what stands in it, what stands there instead (both are
patterns, as `mutate.py` describes them), and a campaign with its subject. Where the campaign is
`tests`, an ordinary test notices, and its file is the subject. The checks of bytes are in
`mutations_of_trust.py`, those of flushes and of the stores beside it.
"""

from __future__ import annotations

from tests.faults.mutate import Mutation
from tests.faults.mutations_of_flushes import FLUSH_MUTATIONS
from tests.faults.mutations_of_trust import TRUST_MUTATIONS

_CREATED = """
_1 = write_temporary(_2.parent, _3, mode=_4)
try:
    claim_name(_1, _2)
except BaseException:
    ...
"""
_NOT_CREATED = """
_2.write_bytes(_3)
_1 = _2
try:
    pass
except BaseException:
    ...
"""

MUTATIONS = (
    *FLUSH_MUTATIONS,
    # -- a name that is not given whole
    Mutation(
        "system.durable:write_file",
        "_1.replace(_2)",
        "_2.write_bytes(data), discard_temporary(_1)",
        "kill",
        "promote",
    ),
    Mutation("system.durable:create_file", _CREATED, _NOT_CREATED, "kill", "init"),
    Mutation(
        "system.folders:_replace_name",
        "os.replace(...)",
        "os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=target_folder)),"
        " os.replace(source, target, src_dir_fd=source_folder, dst_dir_fd=target_folder)",
        "kill",
        "checkout",
    ),
    Mutation("git.process:GitProcess._run", "stdin=stdin", "input=stdin.read()", "git", "register"),
    Mutation(
        "system.durable:claim_name",
        "os.link(_1, _2)",
        "os.replace(_1, _2); return",
        "tests",
        "tests/system/test_durable.py",
    ),
    Mutation(
        "storage.local.deposit:ObjectDeposit._name_pack",
        "not has_same_bytes(...)",
        "False",
        "kill",
        "register-damaged",
    ),
    Mutation(
        "project.edit.edit:PlannedEdit.resolve_merge",
        "changes.sync_git(...)",
        "",
        "unsynced",
        "resolve",
    ),
    # -- a plan, or its settling, that is missing
    Mutation(
        "project.edit.edit:PlannedEdit._record_plan",
        "intent.write_intent(...)",
        "",
        "kill",
        "register",
    ),
    Mutation(
        "project.artifacts.working_files:_carry_out_plans",
        "intent.write_intent(...)",
        "",
        "kill",
        "checkout",
    ),
    Mutation(
        "project.transaction:_recover_and_sweep",
        "storing.open_store(_).sweep_temporaries()",
        "",
        "kill",
        "register",
    ),
    Mutation(
        "project.transaction:_recover_and_sweep",
        "durable.sweep_temporaries(...)",
        "pass",
        "kill",
        "promote",
    ),
    Mutation(
        "project.artifacts.recovered_checkout:finish_checkout",
        "working_files.sweep_leftovers(...)",
        "",
        "kill",
        "checkout",
    ),
    Mutation("project.edit.recovery:recover_edit", "clear_locks(...)", "", "git", "register"),
    Mutation(
        "project.edit.edit:PlannedEdit.commit_files",
        "changes.create_tags(...)",
        "",
        "tests",
        "tests/cli/test_story.py",
    ),
    Mutation(
        "project.edit.recovery:_make_tags_twice",
        "clear_locks(...)",
        "",
        "git",
        "register-after-kill",
    ),
    Mutation(
        "storage.local.export:export_objects",
        "_discard_temporary(...)",
        "pass",
        "errors",
        "checkout",
    ),
    Mutation(
        "project.transaction:_recover_and_sweep",
        "intent.drop_intent(...)",
        "pass",
        "kill",
        "promote",
    ),
    # -- a lock that is missing
    Mutation(
        "system.lock:_acquire_lock", "fcntl.flock(...)", "pass", "together", "register+register"
    ),
    Mutation(
        "project.transaction:locking",
        "keep_open=(_,)",
        "keep_open=()",
        "tests",
        "tests/cli/test_foreign_work.py",
    ),
    Mutation(
        "git.stale_locks:_remove_stale",
        "_ and (_ := _find_worker(...))",
        "False",
        "tests",
        "tests/project/edit/test_recovery.py",
    ),
    Mutation(
        "git.stale_locks:wait_for_index",
        "_.exists()",
        "False",
        "tests",
        "tests/cli/test_foreign_work.py",
    ),
    Mutation(
        "project.artifacts.private_copies:make_private_copy",
        "with lock.hold_lock(...): ...",
        "if True: ...",
        "tests",
        "tests/project/artifacts/test_private_copies.py",
    ),
    *TRUST_MUTATIONS,
)
