"""The mutations of the local store that take bytes on trust; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

STORAGE_MUTATIONS = (
    Mutation(
        "storage.local.export:_write_small_batch",
        "hashlib.sha256(_).hexdigest() == _",
        "True",
        "damage",
        "pack",
    ),
    Mutation(
        "storage.local.export:_write_large_file", "_ != _.digest", "False", "damage", "object"
    ),
    Mutation(
        "storage.local.verify:_verify_open_file",
        "hash_descriptor(...)[0] != _",
        "False",
        "damage",
        "object",
    ),
    Mutation(
        "storage.local.verify:_verify_open_file",
        "hashlib.sha256(_).hexdigest() != _",
        "False",
        "damage",
        "pack",
    ),
    Mutation(
        "storage.local.store:LocalStore._copy_location",
        "hashlib.sha256(_).hexdigest() != _.hex",
        "False",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage.local.store:LocalStore._copy_location",
        "_1 if _ == _.hex else None",
        "_1",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage.local.catalogue:ObjectCatalogue.is_sound",
        "hashlib.sha256(_).hexdigest() == _",
        "True",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage.local.catalogue:ObjectCatalogue.is_sound",
        "hash_descriptor(...)[0] == _",
        "True",
        "tests",
        "tests/storage",
    ),
    Mutation(
        "storage.local.catalogue:ObjectCatalogue.repair_indexes",
        "_.is_indexed()",
        "True",
        "damage",
        "index",
    ),
    Mutation(
        "storage.local.catalogue:_repair_index",
        "pack_name(_) == _.name",
        "True",
        "tests",
        "tests/storage/local",
    ),
    Mutation(
        "storage.local.verify:_verify_open_file",
        "_ != packs.member_header(...) or not _.endswith(_)",
        "False",
        "damage",
        "pack",
    ),
    Mutation("storage.local.verify:_check_pack_end", "not _", "False", "damage", "pack"),
    Mutation(
        "storage.local.deposit:ObjectDeposit.store_contents",
        "_1 = [_ for _ in _ if not _is_copy_of(...)]",
        "_1: list[ObjectLocation] = []",
        "kill",
        "register-damaged",
    ),
    Mutation(
        "storage.local.deposit:ObjectDeposit.receive_blob",
        "_1 = [_ for _ in _ if not _.is_sound(...)]",
        "_1: list[ObjectLocation] = []",
        "kill",
        "register-damaged",
    ),
    Mutation(
        "storage.local.pack_parts:PackParts._finish_part",
        "_ != self._lengths[_]",
        "False",
        "tests",
        "tests/storage/local",
    ),
    Mutation(
        "storage.local.pack_parts:PackParts.append_contents",
        "self.end_part(); raise",
        "pass; raise",
        "tests",
        "tests/storage/local",
    ),
    Mutation(
        "storage.local.pack_parts:PackParts.accept_receipt",
        "if _1.part: ...",
        "if _1.run: ...",
        "tests",
        "tests/storage/local",
    ),
    Mutation(
        "storage.local.loose_files:LooseFiles._is_loose",
        "contextlib.suppress(FileNotFoundError, NotADirectoryError)",
        "contextlib.suppress(OSError)",
        "tests",
        "tests/storage/local",
    ),
    Mutation(
        "project.artifacts.working_files:_carry_out_plans",
        "inputs=_",
        "",
        "kill",
        "checkout-inputs",
    ),
)
