"""The mutations that take bytes on trust; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

# Without its look for `..` and `.git`.
_LAXER_COMPONENT = r"""
_COMPONENT = rb"(?:[^./\\\n\0\xe2\xef][^/\\\n\0]*|\.(?!\.)[^/\\\n\0\x80-\xff]+)"
"""

TRUST_MUTATIONS = (
    # -- bytes that are taken on trust
    Mutation(
        "storage.export:_write_one", "hashlib.sha256(_).hexdigest() != _", "False", "damage", "pack"
    ),
    Mutation("storage.export:_write_large", "_ != _.digest", "False", "damage", "object"),
    Mutation("storage.verify:_verify_open", "hashed(...)[0] != _", "False", "damage", "object"),
    Mutation(
        "storage.verify:_verify_open",
        "hashlib.sha256(_).hexdigest() != _",
        "False",
        "damage",
        "pack",
    ),
    Mutation(
        "project.registry:Registry.manifest",
        "Digest.of(_) != _",
        "False",
        "tests",
        "tests/project/test_registry.py",
    ),
    Mutation(
        "policy.trust:judge_tag",
        "record != _.sealed",
        "False",
        "tests",
        "tests/policy/test_trust.py",
    ),
    Mutation(
        "policy.trust:judge_history", "_.prior != _", "False", "tests", "tests/policy/test_trust.py"
    ),
    Mutation(
        "policy.trust:judge_tag",
        "_.committed != _.sealed",
        "False",
        "tests",
        "tests/policy/test_trust.py",
    ),
    Mutation(
        "policy.trust:judge_history",
        "_[_.version] != _.record",
        "False",
        "tests",
        "tests/policy/test_trust.py",
    ),
    Mutation(
        "project.audit:manifest",
        "_ is not None and _ != _",
        "False",
        "tests",
        "tests/project/test_stages.py",
    ),
    Mutation("project.audit:_uncommitted", "_ != _", "False", "tests", "tests/cli/test_damage.py"),
    Mutation(
        "project.audit:record", "_.record != _", "False", "tests", "tests/project/test_stages.py"
    ),
    Mutation("project.seals:vouched", "_.record != _", "False", "tests", "tests/test_api.py"),
    Mutation(
        "project.sealing:_holding",
        "_1 if _ is not None and Digest.of(_) == Digest.of(_) else _",
        "_1",
        "tests",
        "tests/project/test_sealing.py",
    ),
    Mutation(
        "project.sealing:_plan_version",
        "_.record != Digest.of(_)",
        "False",
        "tests",
        "tests/cli/test_seals.py",
    ),
    Mutation(
        "project.edit:_check_landed", "not _", "False", "tests", "tests/cli/test_foreign_work.py"
    ),
    Mutation(
        "project.settle:holds",
        "[_1 == _2 for _1, _2 in _3]",
        "[_1 is not None for _1, _ in _3]",
        "kill",
        "register-large",
    ),
    Mutation(
        "project.settle:_put_back",
        "_ == _.writes[_]",
        "True",
        "tests",
        "tests/project/test_settle.py",
    ),
    Mutation(
        "project.materialise:_save",
        "_1.put(_2).hex != _",
        "_1.put(_2) is None",
        "tests",
        "tests/project/test_materialise.py",
    ),
    Mutation(
        "project.materialise:private_copy",
        "artifacts.measure_path(_).digest != _.digest",
        "False",
        "tests",
        "tests/project/test_materialise.py",
    ),
    Mutation(
        "project.materialise:_is_right",
        "artifacts.measure_path(_).digest == _.digest",
        "",
        "tests",
        "tests/project/test_materialise.py",
    ),
    Mutation(
        "storage.local:LocalStore.copy",
        "hashlib.sha256(_1).hexdigest() == _.hex",
        "_1",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage.local:LocalStore.copy",
        "if _ == _.hex: return _1",
        "if True: return _1",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage.catalogue:Catalogue.is_sound",
        "hashlib.sha256(_).hexdigest() == _",
        "True",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage.catalogue:Catalogue.is_sound",
        "hashed(...)[0] == _",
        "True",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage.catalogue:Catalogue.mend_indexes", "_.is_indexed()", "True", "damage", "index"
    ),
    Mutation(
        "storage.catalogue:_mend",
        "name_of(_) == _.name",
        "True",
        "tests",
        "tests/storage/test_local.py",
    ),
    Mutation(
        "storage.verify:_verify_open",
        "_ != packs.header(...) or not _.endswith(_)",
        "False",
        "damage",
        "pack",
    ),
    Mutation("storage.verify:_ends", "not _", "False", "damage", "pack"),
    Mutation(
        "storage.deposit:Deposit.store",
        "_1 = [_ for _ in _ if not _holds(...)]",
        "_1: list[Place] = []",
        "kill",
        "register-damaged",
    ),
    Mutation(
        "storage.deposit:Deposit.hand_over",
        "_1 = [_ for _ in _ if not _.is_sound(...)]",
        "_1: list[Place] = []",
        "kill",
        "register-damaged",
    ),
    Mutation(
        "storage.deposit:Deposit._finish",
        "_ != self._lengths[_]",
        "False",
        "tests",
        "tests/storage/test_local.py",
    ),
    Mutation(
        "storage.deposit:Deposit.store",
        "self._end_part(); raise",
        "pass; raise",
        "tests",
        "tests/storage/test_local.py",
    ),
    Mutation(
        "storage.deposit:Deposit.accept",
        "if _1.part: ...",
        "if _1.run: ...",
        "tests",
        "tests/storage/test_local.py",
    ),
    Mutation(
        "storage.catalogue:Catalogue._is_loose",
        "contextlib.suppress(FileNotFoundError, NotADirectoryError)",
        "contextlib.suppress(OSError)",
        "tests",
        "tests/storage/test_local.py",
    ),
    Mutation("git.objects:_asked", '_.endswith("\\r")', "", "tests", "tests/git/test_objects.py"),
    Mutation(
        "git.objects:_neighbours",
        "dict(reversed(list(_1)))",
        "dict(_1)",
        "tests",
        "tests/git/test_objects.py",
    ),
    Mutation("manifest:", "_COMPONENT = _", _LAXER_COMPONENT, "tests", "tests/test_manifest.py"),
    Mutation("manifest:_plain", "None if any(_) else _1", "_1", "tests", "tests/test_manifest.py"),
    Mutation(
        "git.process:Process.streamed",
        "_checked(...)",
        "pass",
        "tests",
        "tests/git/test_objects.py",
    ),
    Mutation(
        "hashing.read:_read_small",
        "len(_) == _.st_size and signature(...) == _",
        "True",
        "tests",
        "tests/hashing/test_measure.py",
    ),
    Mutation(
        "hashing.read:read_large",
        "_ == _.st_size and signature(...) == _",
        "True",
        "tests",
        "tests/hashing/test_measure.py",
    ),
    Mutation(
        "state:State.get_document", "_ == zlib.crc32(...)", "", "tests", "tests/test_state.py"
    ),
    Mutation("state:State.files", "zlib.crc32(...) == _", "", "tests", "tests/test_state.py"),
    Mutation("state:close_all", "_.close()", "pass", "tests", "tests/cli/test_leaving.py"),
    Mutation(
        "project.seals:_committed",
        "_1.registry.state",
        "_1.state",
        "tests",
        "tests/project/test_stages.py",
    ),
    Mutation(
        "hashing.measure:_told_beside.others",
        "None if _ else _1",
        "_1",
        "tests",
        "tests/hashing/test_cache.py",
    ),
    Mutation(
        "parallel:_Other.answer", "_1 if _ else None", "_1", "tests", "tests/test_parallel.py"
    ),
)
