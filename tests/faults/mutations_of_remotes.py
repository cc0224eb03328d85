"""The mutations that take a remote's word for something; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_TESTS = "tests/storage/remote"

REMOTE_MUTATIONS = (
    Mutation(
        "storage.remote.objects:BlobObjectStore._copy_checked",
        "_.hexdigest() != _.hex",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.catalogue:BlobCatalogue.is_sound",
        "_.hexdigest() == _",
        "True",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.catalogue:BlobCatalogue._load_index",
        "packs.pack_name(_) != _",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.catalogue:BlobCatalogue._load_index",
        "not packs.is_index(_)",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.catalogue:BlobCatalogue.survey_packs",
        "_.get(pack_key(_)) != _",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.catalogue:BlobCatalogue.find_copies",
        "_.is_one_piece",
        "True",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.deposit:BlobDeposit._store_objects",
        "self._confirm_blob(...)",
        "pass",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.deposit:BlobDeposit._store_blob",
        "self._holds_bytes(...)",
        "True",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.blobs:check_range",
        "len(_) > _",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.folders:write_temporary",
        "_flush_descriptor(...)",
        "pass",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.folders:_make_folder",
        "sync_folder(...)",
        "pass",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.folders:create_blob",
        "not _are_same_file(...)",
        "True",
        "tests",
        _TESTS,
    ),
)
