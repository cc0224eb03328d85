"""What must not be missing: each safeguard taken out of a copy of mlver, and the campaign that has to notice.

A line here is one mutation: the file, the text, what stands there instead, and a campaign with its subject. Where the
campaign is `tests`, an ordinary test notices, and its file is the subject.
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


_DEPOSIT = "storage/deposit.py"
_RENAMED = (
    "        prepared.replace(path)\n    except BaseException:\n        discard(prepared)\n        raise\n    # Without"
)
_FILE = "    prepared = temporary(path.parent, data)\n    try:\n        claim(prepared, path)"
_SEALED = (
    "            for tag in tags:\n                changes.create_tag(self.repository, tag.name, commit, tag.message)\n"
)

_PARENTS = "        paths += [parent for parent in (common / ref).parents if parent.is_relative_to(common)]"

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
    Mutation("project/settle.py", "    _mend_index(repository, directory)\n    if", "    if", "unsynced", "promote"),
    Mutation("project/settle.py", "        changes.unstage(", "        (lambda *_: None)(", "unsynced", "register"),
    Mutation("durable.py", "                    flush(descriptor)\n", "", "unsynced", "register-crowded"),
    Mutation("durable.py", "                    flush(descriptor)\n", "", "unsynced", "checkout-crowded"),
    Mutation(
        _DEPOSIT,
        "directories = [store.packs_directory, store.objects]",
        "directories = [store.objects]",
        "unsynced",
        "register",
    ),
    Mutation(
        _DEPOSIT,
        "directories = [store.packs_directory, store.objects]",
        "directories = [store.packs_directory]",
        "unsynced",
        "register-large",
    ),
    Mutation(_DEPOSIT, "            directories.append(target.parent)\n", "", "unsynced", "register-large"),
    Mutation(
        "storage/catalogue.py",
        "        durable.sync_directories([self.quarantined, self.packs_directory])\n",
        "",
        "unsynced",
        "register-damaged",
    ),
    Mutation("storage/export.py", ", also=made)", ")", "unsynced", "checkout-obstructed"),
    Mutation("git/process.py", '    *("-c", "core.fsyncMethod=fsync"),\n', "", "unsynced", "promote-busy"),
    Mutation(
        "git/changes.py",
        "    paths = [objects / name for name in os.listdir(objects) if len(name) == 2]",
        "    paths: list[Path] = []",
        "unsynced",
        "promote",
    ),
    Mutation("git/changes.py", _PARENTS, "        pass", "unsynced", "register"),
    Mutation("git/changes.py", "[*paths, own]", "paths", "unsynced", "register-staged"),
    Mutation(
        "storage/catalogue.py",
        "            durable.sync_directory(self.quarantined)\n",
        "",
        "unsynced",
        "register-damaged-large",
    ),
    Mutation("git/changes.py", "paths += [objects, ", "paths += [", "unsynced", "promote"),
    Mutation("git/changes.py", ', own / "index"]', "]", "unsynced", "promote"),
    Mutation(
        "project/edit.py",
        'changes.sync(self.repository, [f"refs/heads',
        '(lambda *_: None)(self.repository, [f"refs/heads',
        "unsynced",
        "promote",
    ),
    Mutation(
        "project/edit.py",
        "            self._write()\n            changes.sync(self.repository, [])",
        "            self._write()",
        "unsynced",
        "register-staged",
    ),
    Mutation(
        "project/edit.py",
        '            changes.sync(self.repository, [f"refs/tags/{tag.name}" for tag in tags])',
        "            pass",
        "unsynced",
        "tag",
    ),
    Mutation(
        "project/edit.py",
        '            intent.keep_index(self.directory, read(self.repository.git_dir / "index"))\n',
        "",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project/intent.py",
        "        durable.write(directory / _INDEX, data)",
        "        (directory / _INDEX).write_bytes(data)",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project/intent.py",
        "    durable.write(directory / _FILE, json",
        "    (directory / _FILE).write_bytes(json",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project/intent.py",
        "    durable.remove(directory / _FILE)",
        "    (directory / _FILE).unlink()",
        "unsynced",
        "promote",
    ),
    Mutation(
        "project/settle.py", "    changes.sync(repository, _references(plan))\n", "", "unsynced", "register-after-kill"
    ),
    Mutation(
        "project/settle.py",
        '    changes.sync(repository, [f"refs/tags/{name}" for name in plan.untags])\n',
        "",
        "unsynced",
        "register-after-undo",
    ),
    Mutation(
        "project/settle.py", '    elif found == b"":\n        durable.remove(path)\n', "", "unsynced", "register-unborn"
    ),
    Mutation(
        "project/materialise.py",
        "        durable.sync_directories(dict.fromkeys(path.parent for path in gone if path.parent.is_dir()))\n",
        "",
        "unsynced",
        "checkout",
    ),
    Mutation(
        "project/materialise.py",
        "    durable.make_directory(root)\n",
        "    root.mkdir(parents=True, exist_ok=True)\n",
        "unsynced",
        "checkout-to",
    ),
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
    Mutation("git/process.py", 'else {"stdin": stdin}', 'else {"input": stdin.read()}', "git", "register"),
    Mutation(
        "durable.py",
        "        os.link(prepared, path)",
        "        os.replace(prepared, path)\n        return",
        "tests",
        "tests/test_durable.py",
    ),
    Mutation(
        _DEPOSIT, "            if not _same(path, pack.path):", "            if False:", "kill", "register-damaged"
    ),
    Mutation(
        "project/edit.py",
        '            changes.sync(self.repository, [f"refs/tags/{name}" for name in untags])\n',
        "",
        "unsynced",
        "resolve",
    ),
    # -- a plan, or its settling, that is missing
    Mutation("project/edit.py", "            intent.record(self.directory, plan)\n", "", "kill", "register"),
    Mutation("project/materialise.py", "    intent.record(project.directory, plan)\n", "", "kill", "checkout"),
    Mutation("project/transaction.py", "    storing.store(project).sweep()\n", "", "kill", "register"),
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
    Mutation("project/edit.py", _SEALED, "", "tests", "tests/cli/test_story.py"),
    Mutation(
        "project/settle.py",
        "            clear_locks(repository, _references(plan), intent.began(directory))\n            _make",
        "            _make",
        "git",
        "register-after-kill",
    ),
    Mutation(
        "storage/export.py",
        "            durable.discard(task.prepared)\n        if",
        "            pass\n        if",
        "errors",
        "checkout",
    ),
    Mutation("project/transaction.py", "        intent.drop(project.directory)\n", "        pass\n", "kill", "promote"),
    # -- a lock that is missing
    Mutation(
        "project/lock.py",
        "            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "            pass",
        "together",
        "register+register",
    ),
    Mutation(
        "project/transaction.py", "keep_open=(descriptor,)", "keep_open=()", "tests", "tests/cli/test_foreign_work.py"
    ),
    Mutation(
        "git/abandoned.py",
        "    while left and (worker := _at_work(repository)):",
        "    while False:",
        "tests",
        "tests/project/test_settle.py",
    ),
    Mutation(
        "git/abandoned.py", "    while path.exists():", "    while False:", "tests", "tests/cli/test_foreign_work.py"
    ),
    Mutation(
        "project/materialise.py",
        "    with lock.held(checkouts, _PATIENCE_S):",
        "    if True:",
        "tests",
        "tests/project/test_materialise.py",
    ),
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
    Mutation(
        "project/registry.py",
        "        if Digest.of(data) != digest:",
        "        if False:",
        "tests",
        "tests/project/test_registry.py",
    ),
    Mutation(
        "policy/trust.py", "    if record != seal.sealed:", "    if False:", "tests", "tests/policy/test_trust.py"
    ),
    Mutation(
        "policy/trust.py",
        "        if record.prior != prior:",
        "        if False:",
        "tests",
        "tests/policy/test_trust.py",
    ),
    Mutation(
        "policy/trust.py",
        "    elif seal.committed != seal.sealed:",
        "    elif False:",
        "tests",
        "tests/policy/test_trust.py",
    ),
    Mutation(
        "policy/trust.py",
        "        elif records[record.version] != record.record:",
        "        elif False:",
        "tests",
        "tests/policy/test_trust.py",
    ),
    Mutation(
        "project/audit.py",
        '    if data is not None and f"{Digest.of(data).hex}.sha256" != name:',
        "    if False:",
        "tests",
        "tests/project/test_stages.py",
    ),
    Mutation("project/audit.py", "    if data != committed:", "    if False:", "tests", "tests/cli/test_damage.py"),
    Mutation(
        "project/audit.py",
        "    elif found.record != known:",
        "    elif False:",
        "tests",
        "tests/project/test_stages.py",
    ),
    Mutation(
        "project/seals.py",
        "        if promotion.record != digest:",
        "        if False:",
        "tests",
        "tests/test_api.py",
    ),
    Mutation(
        "project/sealing.py",
        "    return added if held is not None and Digest.of(held) == Digest.of(data) else commit",
        "    return added",
        "tests",
        "tests/project/test_sealing.py",
    ),
    Mutation(
        "project/sealing.py",
        "        if promoted.record != Digest.of(data):",
        "        if False:",
        "tests",
        "tests/cli/test_seals.py",
    ),
    Mutation(
        "project/edit.py",
        "        if not is_held:",
        "        if False:",
        "tests",
        "tests/cli/test_foreign_work.py",
    ),
    Mutation(
        "project/settle.py",
        "[digest == wanted for digest, wanted in zip(held, plan.writes.values(), strict=True)]",
        "[digest is not None for digest, _ in zip(held, plan.writes.values(), strict=True)]",
        "kill",
        "register-large",
    ),
    Mutation(
        "project/settle.py",
        "    if (None if found is None else Digest.of(found)) == plan.writes[path]:",
        "    if True:",
        "tests",
        "tests/project/test_settle.py",
    ),
    Mutation(
        "project/materialise.py",
        "                if deposit.put(source).hex != hexadecimal:",
        "                if deposit.put(source) is None:",
        "tests",
        "tests/project/test_materialise.py",
    ),
    Mutation(
        "project/materialise.py",
        "        if artifacts.measure_path(place).digest != artifact.digest:",
        "        if False:",
        "tests",
        "tests/project/test_materialise.py",
    ),
    Mutation(
        "project/materialise.py",
        "not artifacts.is_hollow(place) and artifacts.measure_path(place).digest == artifact.digest",
        "not artifacts.is_hollow(place)",
        "tests",
        "tests/project/test_materialise.py",
    ),
    Mutation(
        "storage/local.py",
        "                    if hashlib.sha256(data).hexdigest() == digest.hex:",
        "                    if data:",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage/local.py",
        "                        if found == digest.hex:",
        "                        if True:",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage/catalogue.py",
        "                return hashlib.sha256(read_place(place)).hexdigest() == digest",
        "                return True",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage/catalogue.py",
        "                return hashed(source, None, _ignore)[0] == digest",
        "                return True",
        "tests",
        "tests/storage",
    ),
    Mutation("storage/catalogue.py", "            if pack.is_indexed():", "            if True:", "damage", "index"),
    Mutation(
        "storage/catalogue.py",
        "    if name_of(index) == pack.name:",
        "    if True:",
        "tests",
        "tests/storage/test_local.py",
    ),
    Mutation(
        "storage/verify.py",
        "        elif block[: packs.BLOCK] != packs.header(digest, place.size) or not block.endswith(padding):",
        "        elif False:",
        "damage",
        "pack",
    ),
    Mutation("storage/verify.py", "    if not whole:", "    if False:", "damage", "pack"),
    Mutation(
        _DEPOSIT,
        "            bad = [place for place in places.get(digest, ()) if not _holds(place, data)]",
        "            bad: list[Place] = []",
        "kill",
        "register-damaged",
    ),
    Mutation(
        _DEPOSIT,
        "        bad = [place for place in places if not self._store.is_sound(digest, place)]",
        "        bad: list[Place] = []",
        "kill",
        "register-damaged",
    ),
    Mutation(
        _DEPOSIT,
        "            if end != self._lengths[os.fspath(part)]:",
        "            if False:",
        "tests",
        "tests/storage/test_local.py",
    ),
    Mutation(
        _DEPOSIT,
        "            self._end_part()  # where it ends now, nobody knows",
        "            pass",
        "tests",
        "tests/storage/test_local.py",
    ),
    Mutation(_DEPOSIT, "        if receipt.part:", "        if receipt.run:", "tests", "tests/storage/test_local.py"),
    Mutation(
        "storage/catalogue.py",
        "suppress(FileNotFoundError, NotADirectoryError):\n            os.stat",
        "suppress(OSError):\n            os.stat",
        "tests",
        "tests/storage/test_local.py",
    ),
    Mutation("git/objects.py", ' or one.endswith("\\r")', "", "tests", "tests/git/test_objects.py"),
    Mutation(
        "git/objects.py",
        "dict(reversed(list(_listed(tree))))",
        "dict(_listed(tree))",
        "tests",
        "tests/git/test_objects.py",
    ),
    Mutation("manifest.py", "(?!\\.|[gG][iI][tT][/\\n])", "(?!\\.)", "tests", "tests/test_manifest.py"),
    Mutation(
        "manifest.py",
        "    return None if any(path in parents for path, _ in entries) else tuple(entries)",
        "    return tuple(entries)",
        "tests",
        "tests/test_manifest.py",
    ),
    Mutation(
        "git/process.py",
        '_checked(Finished(git.returncode, b"", said.read()), f"answer `git {args[0]}`")',
        "pass",
        "tests",
        "tests/git/test_objects.py",
    ),
    Mutation(
        "hashing/read.py",
        "            if len(data) == before.st_size and signature(os.fstat(descriptor)) == signed:",
        "            if True:",
        "tests",
        "tests/hashing/test_measure.py",
    ),
    Mutation(
        "hashing/read.py",
        "                if done == before.st_size and signature(os.fstat(descriptor)) == signed:",
        "                if True:",
        "tests",
        "tests/hashing/test_measure.py",
    ),
    Mutation(
        "state.py",
        'if isinstance(text, str) and checksum == zlib.crc32(text.encode(errors="replace"), zlib.crc32(key)):',
        "if isinstance(text, str):",
        "tests",
        "tests/test_state.py",
    ),
    Mutation("state.py", " if zlib.crc32(entry, zlib.crc32(key)) == check]", "]", "tests", "tests/test_state.py"),
    Mutation("state.py", "        state.close()\n", "        pass\n", "tests", "tests/cli/test_leaving.py"),
    Mutation(
        "project/seals.py",
        "    state = project.registry.state  #",
        "    state = project.state  #",
        "tests",
        "tests/project/test_stages.py",
    ),
    Mutation(
        "hashing/measure.py",
        "return None if faults else told",
        "return told",
        "tests",
        "tests/hashing/test_cache.py",
    ),
    Mutation(
        "parallel.py",
        'return told if len(length) == _LENGTH and int.from_bytes(length, "big") == len(told) else None',
        "return told",
        "tests",
        "tests/test_parallel.py",
    ),
)
