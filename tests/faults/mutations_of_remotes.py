"""The mutations that take a remote's word for something; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_TESTS = "tests/storage/remote"

REMOTE_MUTATIONS = (
    Mutation(
        "storage.remote.assembling:AssembledContent.is_sound",
        "_.hexdigest() == _",
        "True",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.download:_Download._bring_members",
        "Digest.of_bytes(_) == _",
        "True",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.proving:_Proof._prove_piece",
        "self._hash_range(...) == _",
        "True",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.proving:_Proof._prove_members",
        "Digest.of_bytes(_) == _",
        "True",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.survey:_Surveyor._read_index",
        "packs.pack_name(_) != _",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.survey:_Surveyor._read_index",
        "not packs.is_index(_)",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.survey:_Surveyor._read_index",
        "_ + _ != _",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.sending:BlobSender.send_blob",
        "not self._holds_bytes(...)",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.sending:BlobSender._is_sound_already",
        "self._holds_bytes(...)",
        "True",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.blobs:_check_received",
        "_ > _",
        "False",
        "tests",
        _TESTS,
    ),
    Mutation(
        "storage.remote.blobs:_check_received",
        "_ < _",
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
