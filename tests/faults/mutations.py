"""What must not be missing: each safeguard taken out of a copy of mlver, and the campaign that has to notice.

A line here is one mutation: the file, the text, what stands there instead, and a campaign with its subject.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    file: str
    old: str
    new: str
    campaign: str
    subject: str

    def __str__(self) -> str:
        old, new = " ".join(self.old.split()), " ".join(self.new.split())
        return f"{self.file}: {old} -> {new or 'nothing'}: {self.campaign} {self.subject}"


_RENAMED = (
    "        prepared.replace(path)\n    except BaseException:\n        discard(prepared)\n        raise\n    # Without"
)
_FILE = "    prepared = temporary(path.parent, data)\n    try:\n        claim(prepared, path)"
_SEALED = (
    "            for tag in tags:\n                changes.create_tag(self.repository, tag.name, commit, tag.message)\n"
)

MUTATIONS = (
    # -- a flush that is missing
    Mutation(
        "durable.py",
        "            sync(descriptor)\n        except BaseEx",
        "        except BaseEx",
        "unsynced",
        "promote",
    ),
    Mutation("durable.py", "    sync_directory(path.parent)\n\n\ndef create", "\n\ndef create", "unsynced", "promote"),
    Mutation("durable.py", "    sync_directory(path.parent)\n\n\ndef remove", "\n\ndef remove", "unsynced", "init"),
    Mutation(
        "durable.py",
        "        sync_directory(path.parent)\n\n\ndef sweep",
        "        pass\n\n\ndef sweep",
        "unsynced",
        "promote",
    ),
    Mutation("durable.py", "        sync_directory(made.parent)", "        pass", "unsynced", "register-unborn"),
    Mutation(
        "durable.py",
        "                sync(descriptor)\n            finally",
        "                pass\n            finally",
        "unsynced",
        "register",
    ),
    Mutation(
        "durable.py", "    for path in distinct:\n        sync_directory(path)", "    return", "unsynced", "register"
    ),
    Mutation(
        "durable.py", "    for path in distinct:\n        sync_directory(path)", "    return", "unsynced", "checkout"
    ),
    Mutation("storage/deposit.py", "durable.sync_files(files)", "pass", "unsynced", "register"),
    Mutation("storage/deposit.py", "durable.sync_directories(directories)", "pass", "unsynced", "register"),
    Mutation(
        "storage/export.py", "durable.sync_files([task.prepared for task in tasks])", "pass", "unsynced", "checkout"
    ),
    Mutation("git/process.py", '    *("-c", "core.fsync=all"),\n', "", "unsynced", "promote"),
    Mutation("git/changes.py", "        _sync(path)\n", "        pass\n", "unsynced", "promote"),
    Mutation("git/changes.py", "if len(name) == 2 or name", "if name", "unsynced", "promote"),
    Mutation("project/settle.py", "    _mend_index(repository, directory)\n    if", "    if", "unsynced", "promote"),
    Mutation("project/settle.py", "        changes.unstage(", "        (lambda *_: None)(", "unsynced", "register"),
    # -- a name that is not given whole
    Mutation(
        "durable.py",
        _RENAMED,
        _RENAMED.replace("prepared.replace(path)", "path.write_bytes(data), discard(prepared)"),
        "kill",
        "promote",
    ),
    Mutation(
        "durable.py", _FILE, "    path.write_bytes(data)\n    prepared = path\n    try:\n        pass", "kill", "init"
    ),
    Mutation(
        "durable.py",
        "        os.replace(prepared, target)",
        "        Path(target).write_bytes(Path(prepared).read_bytes())",
        "kill",
        "checkout",
    ),
    Mutation("git/process.py", 'else {"stdin": stdin}', 'else {"input": stdin.read()}', "kill", "register"),
    # -- a plan, or its settling, that is missing
    Mutation("project/edit.py", "        intent.record(self.directory, plan)\n", "", "kill", "register"),
    Mutation("project/materialise.py", "    intent.record(project.directory, plan)\n", "", "kill", "checkout"),
    Mutation("project/transaction.py", "    artifacts.store(project).sweep()\n", "", "kill", "register"),
    Mutation("project/transaction.py", "        durable.sweep(directory)\n", "        pass\n", "kill", "promote"),
    Mutation(
        "project/transaction.py", "        materialise.sweep(here, record, into or here.top)\n", "", "kill", "checkout"
    ),
    Mutation(
        "project/settle.py",
        "    clear_locks(repository, _references(plan), intent.began(directory))\n    _m",
        "    _m",
        "git",
        "register",
    ),
    Mutation("project/edit.py", _SEALED, "", "kill", "register"),
    # -- a lock that is missing
    Mutation(
        "project/lock.py",
        "            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "            pass",
        "together",
        "register+register",
    ),
    Mutation("project/transaction.py", "keep_open=(descriptor,)", "keep_open=()", "git", "register"),
    # -- bytes that are taken on trust
    Mutation(
        "storage/export.py",
        "    while hashlib.sha256(data).hexdigest() != task.digest:",
        "    while False:",
        "damage",
        "pack",
    ),
    Mutation("storage/export.py", "    if found != task.digest:", "    if False:", "damage", "object"),
    Mutation(
        "storage/verify.py",
        "            if hashed(source, None, _ignore)[0] != digest:",
        "            if False:",
        "damage",
        "object",
    ),
    Mutation(
        "storage/verify.py",
        "        if hashlib.sha256(data).hexdigest() != digest:",
        "        if False:",
        "damage",
        "pack",
    ),
    Mutation("project/registry.py", "        if Digest.of(data) != digest:", "        if False:", "damage", "manifest"),
    Mutation("policy/trust.py", "    if record != seal.sealed:", "    if False:", "damage", "record"),
    Mutation("policy/trust.py", "        if record.prior != prior:", "        if False:", "damage", "promotion"),
)
