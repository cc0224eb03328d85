"""What must not be missing: each safeguard is taken out of a copy of mlver, and a campaign has to notice.

A line here is one mutation: the function, what stands in it, what stands there instead (both are patterns, as
`mutate.py` describes them), and a campaign with its subject. Where the campaign is `tests`, an ordinary test notices,
and its file is the subject. The checks of bytes are in `mutations_of_trust.py`.
"""

from __future__ import annotations

from tests.faults.mutate import Mutation
from tests.faults.mutations_of_trust import TRUST_MUTATIONS

_CREATED = """
_1 = temporary(_2.parent, _3)
try:
    claim(_1, _2)
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
    Mutation("durable:temporary", "sync(...)", "", "unsynced", "promote"),
    Mutation("durable:write", "sync_directory(...)", "", "unsynced", "promote"),
    Mutation("durable:create", "sync_directory(...)", "", "unsynced", "init"),
    Mutation("durable:remove", "sync_directory(...)", "pass", "unsynced", "promote"),
    Mutation(
        "durable:make_directory", "sync_directory(...)", "pass", "unsynced", "register-unborn"
    ),
    Mutation("durable:sync_files", "sync(...)", "pass", "unsynced", "register"),
    Mutation(
        "durable:sync_directories",
        "for _ in _: sync_directory(...)",
        "return",
        "unsynced",
        "register",
    ),
    Mutation(
        "durable:sync_directories",
        "for _ in _: sync_directory(...)",
        "return",
        "unsynced",
        "checkout",
    ),
    Mutation(
        "storage.deposit:Deposit._commit", "durable.sync_files(...)", "pass", "unsynced", "register"
    ),
    Mutation(
        "storage.deposit:Deposit._commit",
        "durable.sync_directories(...)",
        "pass",
        "unsynced",
        "register",
    ),
    Mutation("storage.export:export", "durable.sync_files(...)", "pass", "unsynced", "checkout"),
    Mutation("git.process:", '*("-c", "core.fsync=all")', "", "unsynced", "promote"),
    Mutation("git.changes:sync", "_sync(...)", "pass", "unsynced", "promote"),
    Mutation("project.settle:settle", "_mend_index(...)", "", "unsynced", "promote"),
    Mutation(
        "project.settle:_complete", "changes.unstage", "lambda *_: None", "unsynced", "register"
    ),
    Mutation("durable:_sync_file_systems", "flush(...)", "", "unsynced", "register-crowded"),
    Mutation("durable:_sync_file_systems", "flush(...)", "", "unsynced", "checkout-crowded"),
    Mutation(
        "storage.deposit:Deposit._commit",
        "[_.packs_directory, _1.objects]",
        "[_1.objects]",
        "unsynced",
        "register",
    ),
    Mutation(
        "storage.deposit:Deposit._commit",
        "[_1.packs_directory, _.objects]",
        "[_1.packs_directory]",
        "unsynced",
        "register-large",
    ),
    Mutation(
        "storage.deposit:Deposit._commit", "_.append(_.parent)", "", "unsynced", "register-large"
    ),
    Mutation(
        "storage.catalogue:Catalogue.retire",
        "durable.sync_directories(...)",
        "",
        "unsynced",
        "register-damaged",
    ),
    Mutation("storage.export:export", "also=_", "", "unsynced", "checkout-obstructed"),
    Mutation("git.process:", '*("-c", "core.fsyncMethod=fsync")', "", "unsynced", "promote-busy"),
    Mutation(
        "git.changes:sync",
        "_1 = [_ for _ in os.listdir(_) if len(_) == 2]",
        "_1: list[Path] = []",
        "unsynced",
        "promote",
    ),
    Mutation(
        "git.changes:sync",
        "_ += [_ for _ in _ if _.is_relative_to(_)]",
        "pass",
        "unsynced",
        "register",
    ),
    Mutation("git.changes:sync", "[*_1, _]", "_1", "unsynced", "register-staged"),
    Mutation(
        "storage.catalogue:Catalogue.set_aside",
        "durable.sync_directory(...)",
        "",
        "unsynced",
        "register-damaged-large",
    ),
    Mutation("git.changes:sync", "_1 += [_, _2]", "_1 += [_2]", "unsynced", "promote"),
    Mutation("git.changes:sync", '_ / "index"', "", "unsynced", "promote"),
    Mutation("project.edit:Edit.commit", "changes.sync", "lambda *_: None", "unsynced", "promote"),
    Mutation("project.edit:Edit.stage", "changes.sync(...)", "", "unsynced", "register-staged"),
    Mutation("project.edit:Edit.seal", "changes.sync(...)", "pass", "unsynced", "tag"),
    Mutation("project.edit:Edit._planned", "intent.keep_index(...)", "", "unsynced", "promote"),
    Mutation(
        "project.intent:keep_index",
        "durable.write(_1, _2)",
        "_1.write_bytes(_2)",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project.intent:record",
        "durable.write(_1, _2)",
        "_1.write_bytes(_2)",
        "unsynced",
        "promote",
    ),
    Mutation("project.intent:drop", "durable.remove(_1)", "_1.unlink()", "unsynced", "promote"),
    Mutation(
        "project.settle:_complete", "changes.sync(...)", "", "unsynced", "register-after-kill"
    ),
    Mutation("project.settle:_undo", "changes.sync(...)", "", "unsynced", "register-after-undo"),
    Mutation(
        "project.settle:_mend_index",
        'if _ == b"": durable.remove(...)',
        "",
        "unsynced",
        "register-unborn",
    ),
    Mutation(
        "project.materialise:_remove", "durable.sync_directories(...)", "", "unsynced", "checkout"
    ),
    Mutation(
        "project.materialise:_carry_out",
        "durable.make_directory(_1)",
        "_1.mkdir(parents=True, exist_ok=True)",
        "unsynced",
        "checkout-to",
    ),
    # -- a name that is not given whole
    Mutation(
        "durable:write", "_1.replace(_2)", "_2.write_bytes(data), discard(_1)", "kill", "promote"
    ),
    Mutation("durable:create", _CREATED, _NOT_CREATED, "kill", "init"),
    Mutation(
        "durable:replace_group",
        "os.replace(_1, _2)",
        "Path(_2).write_bytes(Path(_1).read_bytes())",
        "kill",
        "checkout",
    ),
    Mutation(
        "git.process:Process._run", '{"stdin": _1}', '{"input": _1.read()}', "git", "register"
    ),
    Mutation(
        "durable:claim",
        "os.link(_1, _2)",
        "os.replace(_1, _2); return",
        "tests",
        "tests/test_durable.py",
    ),
    Mutation(
        "storage.deposit:Deposit._name_pack", "not _same(...)", "False", "kill", "register-damaged"
    ),
    Mutation("project.edit:Edit.settle", "changes.sync(...)", "", "unsynced", "resolve"),
    # -- a plan, or its settling, that is missing
    Mutation("project.edit:Edit._planned", "intent.record(...)", "", "kill", "register"),
    Mutation("project.materialise:_carry_out", "intent.record(...)", "", "kill", "checkout"),
    Mutation("project.transaction:_settle", "storing.store(_).sweep()", "", "kill", "register"),
    Mutation("project.transaction:_settle", "durable.sweep(...)", "pass", "kill", "promote"),
    Mutation("project.transaction:_settled", "materialise.sweep(...)", "", "kill", "checkout"),
    Mutation("project.settle:settle", "clear_locks(...)", "", "git", "register"),
    Mutation(
        "project.edit:Edit.commit",
        "for _ in _: changes.create_tag(...)",
        "",
        "tests",
        "tests/cli/test_story.py",
    ),
    Mutation("project.settle:_complete", "clear_locks(...)", "", "git", "register-after-kill"),
    Mutation("storage.export:export", "durable.discard(...)", "pass", "errors", "checkout"),
    Mutation("project.transaction:_settle", "intent.drop(...)", "pass", "kill", "promote"),
    # -- a lock that is missing
    Mutation("project.lock:_acquire", "fcntl.flock(...)", "pass", "together", "register+register"),
    Mutation(
        "project.transaction:editing",
        "keep_open=(_,)",
        "keep_open=()",
        "tests",
        "tests/cli/test_foreign_work.py",
    ),
    Mutation(
        "git.abandoned:clear_locks",
        "_ and (_ := _at_work(...))",
        "False",
        "tests",
        "tests/project/test_settle.py",
    ),
    Mutation(
        "git.abandoned:wait_for_index",
        "_.exists()",
        "False",
        "tests",
        "tests/cli/test_foreign_work.py",
    ),
    Mutation(
        "project.materialise:private_copy",
        "with lock.held(...): ...",
        "if True: ...",
        "tests",
        "tests/project/test_materialise.py",
    ),
    *TRUST_MUTATIONS,
)
