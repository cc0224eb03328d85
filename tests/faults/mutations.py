"""Takes each safeguard out of a copy of mlver; a campaign has to notice.

A line here is one mutation: the function, what stands in it, what stands there instead (both are
patterns, as `mutate.py` describes them), and a campaign with its subject. Where the campaign is
`tests`, an ordinary test notices, and its file is the subject. The checks of bytes are in
`mutations_of_trust.py`, and those of the stores beside it.
"""

from __future__ import annotations

from tests.faults.mutate import Mutation
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
    # -- a flush that is missing
    Mutation("system.durable:write_temporary", "sync_descriptor(...)", "", "unsynced", "promote"),
    Mutation("system.durable:write_file", "sync_directory(...)", "", "unsynced", "promote"),
    Mutation("system.durable:create_file", "sync_directory(...)", "", "unsynced", "init"),
    Mutation("system.durable:remove_file", "sync_directory(...)", "pass", "unsynced", "promote"),
    Mutation(
        "system.durable:make_directory",
        "sync_directory(...)",
        "pass",
        "unsynced",
        "register-unborn",
    ),
    Mutation("system.durable:sync_files", "sync_descriptor(...)", "pass", "unsynced", "register"),
    Mutation(
        "system.durable:sync_directories",
        "for _ in _: sync_directory(...)",
        "return",
        "unsynced",
        "register",
    ),
    Mutation(
        "system.durable:sync_directories",
        "for _ in _: sync_directory(...)",
        "return",
        "unsynced",
        "checkout",
    ),
    Mutation(
        "storage.local.deposit:ObjectDeposit._commit_objects",
        "durable.sync_files(...)",
        "pass",
        "unsynced",
        "register",
    ),
    Mutation(
        "storage.local.deposit:ObjectDeposit._commit_objects",
        "durable.sync_directories(...)",
        "pass",
        "unsynced",
        "register",
    ),
    Mutation(
        "storage.local.export:export_objects",
        "durable.sync_files(...)",
        "pass",
        "unsynced",
        "checkout",
    ),
    Mutation("git.process:", '*("-c", "core.fsync=all")', "", "unsynced", "promote"),
    Mutation("git.changes:sync_git", "_sync(...)", "pass", "unsynced", "promote"),
    Mutation("project.edit.recovery:recover_edit", "_repair_index(...)", "", "unsynced", "promote"),
    Mutation(
        "project.edit.recovery:_complete_edit",
        "changes.unstage_paths",
        "lambda *_: None",
        "unsynced",
        "register",
    ),
    Mutation(
        "system.durable:_sync_file_systems",
        "flush(...)",
        "",
        "unsynced",
        "register-crowded",
    ),
    Mutation(
        "system.durable:_sync_file_systems",
        "flush(...)",
        "",
        "unsynced",
        "checkout-crowded",
    ),
    Mutation(
        "storage.local.deposit:ObjectDeposit._commit_objects",
        "[_.packs_directory, _1.objects]",
        "[_1.objects]",
        "unsynced",
        "register",
    ),
    Mutation(
        "storage.local.deposit:ObjectDeposit._commit_objects",
        "[_1.packs_directory, _.objects]",
        "[_1.packs_directory]",
        "unsynced",
        "register-large",
    ),
    Mutation(
        "storage.local.deposit:ObjectDeposit._name_blobs",
        "_.add(_.parent)",
        "",
        "unsynced",
        "register-large",
    ),
    Mutation(
        "storage.local.catalogue:ObjectCatalogue.retire_pack",
        "durable.sync_directories(...)",
        "",
        "unsynced",
        "register-damaged",
    ),
    Mutation(
        "storage.local.export:export_objects", "also=_", "", "unsynced", "checkout-obstructed"
    ),
    Mutation("git.process:", '*("-c", "core.fsyncMethod=fsync")', "", "unsynced", "promote-busy"),
    Mutation(
        "git.changes:sync_git",
        "_1 = [_ for _ in os.listdir(_) if len(_) == 2]",
        "_1: list[Path] = []",
        "unsynced",
        "promote",
    ),
    Mutation(
        "git.changes:sync_git",
        "_ += [_ for _ in _ if _.is_relative_to(_)]",
        "pass",
        "unsynced",
        "register",
    ),
    Mutation("git.changes:sync_git", "[*_1, _]", "_1", "unsynced", "register-staged"),
    Mutation(
        "storage.local.catalogue:ObjectCatalogue.set_aside",
        "durable.sync_directories(...)",
        "",
        "unsynced",
        "register-damaged-large",
    ),
    Mutation("git.changes:sync_git", "_1 += [_, _2, _3]", "_1 += [_2, _3]", "unsynced", "promote"),
    Mutation("git.changes:sync_git", '_ / "index"', "", "unsynced", "promote"),
    Mutation("git.changes:sync_git", '_ / "pack"', "", "unsynced", "release-outrun"),
    Mutation(
        "project.edit.edit:PlannedEdit.name_tags",
        "with self._record_plan(untags=_): ...",
        "if True: ...",
        "git",
        "release-outrun",
    ),
    Mutation(
        "git.transfer_process:TransferGit.stop",
        "_.terminate()",
        "return",
        "tests",
        "tests/git/test_transfer_failures.py",
    ),
    Mutation(
        "git.loose_commits:take_references",
        "changes.sync_git(_, commits)",
        "pass",
        "unsynced",
        "run",
    ),
    Mutation(
        "git.loose_commits:take_references",
        "stale_locks.clear_reference(...)",
        "pass",
        "git",
        "run",
    ),
    Mutation(
        "project.transaction:_recover_and_sweep",
        "stale_locks.clear_references(...)",
        "pass",
        "git",
        "run",
    ),
    Mutation(
        "project.runs.kept:_decode_run",
        "if _.name != _: raise _",
        "",
        "tests",
        "tests/features/runs/test_runs.py",
    ),
    Mutation(
        "project.runs.kept:_read_attached",
        "AttachedFile.of_bytes(_) != _",
        "False",
        "tests",
        "tests/features/runs/test_runs.py",
    ),
    Mutation(
        "project.runs.beginning:begin_run",
        "refuse_unfit(...)",
        "",
        "tests",
        "tests/features/runs/test_run.py",
    ),
    Mutation(
        "project.edit.edit:PlannedEdit.commit_files",
        "changes.sync_git",
        "lambda *_: None",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project.edit.edit:PlannedEdit.stage_files",
        "changes.sync_git(...)",
        "",
        "unsynced",
        "register-staged",
    ),
    Mutation(
        "project.edit.edit:PlannedEdit.seal_records",
        "changes.sync_git(...)",
        "pass",
        "unsynced",
        "tag",
    ),
    Mutation(
        "project.edit.edit:PlannedEdit._record_plan",
        "intent.keep_index(...)",
        "",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project.edit.intent:keep_index",
        "durable.write_file(_1, _2)",
        "_1.write_bytes(_2)",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project.edit.intent:write_intent",
        "durable.write_file(_1, _2)",
        "_1.write_bytes(_2)",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project.edit.intent:drop_intent",
        "durable.remove_file(_1)",
        "_1.unlink()",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project.edit.recovery:_complete_edit",
        "changes.sync_git(...)",
        "",
        "unsynced",
        "register-after-kill",
    ),
    Mutation(
        "project.edit.recovery:_undo_edit",
        "changes.sync_git(...)",
        "",
        "unsynced",
        "register-after-undo",
    ),
    Mutation(
        "project.edit.recovery:_repair_index",
        'if _ == b"": durable.remove_file(...)',
        "",
        "unsynced",
        "register-unborn",
    ),
    Mutation(
        "project.artifacts.file_changes:_remove_files",
        "durable.sync_directories(...)",
        "",
        "unsynced",
        "checkout",
    ),
    Mutation(
        "project.artifacts.working_files:_carry_out_plans",
        "durable.make_directory(_1)",
        "_1.mkdir(parents=True, exist_ok=True)",
        "unsynced",
        "checkout-to",
    ),
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
