"""The mutations that take a remote's word for something, or send and bring objects without care.

See `mutations.py`.
"""

from __future__ import annotations

from tests.faults.mutate import Mutation

_TESTS = "tests/storage/remote"
_HOOK_TESTS = "tests/features/hooks/test_sent_objects.py"

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
    # Objects on their way to a remote, and git behind them.
    Mutation(
        "storage.remote.folders:write_temporary",
        "_flush_descriptor(...)",
        "pass",
        "unsynced",
        "push",
    ),
    Mutation(
        "storage.remote.folders:_make_folder",
        "sync_folder(...)",
        "pass",
        "unsynced",
        "push-objects",
    ),
    Mutation(
        "storage.remote.directory:DirectoryBlobs.put_blob",
        "sync_folder(...)",
        "pass",
        "unsynced",
        "push",
    ),
    Mutation(
        "project.remote.pushing:push_versions",
        "sending.send_objects()",
        "if half is not None:\n    perform_git_half(project, half)\nsending.send_objects()",
        "kill",
        "push",
    ),
    Mutation(
        "storage.local.store:LocalStore.sweep_temporaries",
        "is_held(...)",
        "False",
        "tests",
        "tests/project/remote/test_pulling.py",
    ),
    Mutation("project.remote.pins:finish_push", "abandon_push(pin)", "pass", "kill", "push"),
    Mutation(
        "project.remote.pins:finish_push",
        "with suppress(MlverError):\n    abandon_push(pin)",
        "abandon_push(pin)",
        "tests",
        "tests/project/remote/test_pins.py",
    ),
    # What gc takes away there.
    Mutation(
        "storage.remote.directory:DirectoryBlobs.delete_blob",
        "sync_folder(...)",
        "pass",
        "unsynced",
        "gc-remote-deleting",
    ),
    Mutation(
        "project.remote.remote_gc:_Collector.delete_record",
        "self._blobs.delete_blob(announced.key)",
        "pass",
        "kill",
        "gc-remote-deleting",
    ),
    Mutation(
        "project.remote.remote_gc:_find_unneeded",
        "view.contents.blobs - view.needed",
        "view.contents.blobs",
        "kill",
        "gc-remote",
    ),
    Mutation(
        "storage.remote.remembered:RememberedBlobs.__init__",
        "durable.sweep_temporaries(_)",
        "pass",
        "kill",
        "push-objects",
    ),
    Mutation(
        "git.new_settings:_replace_config", "durable.sync_directory(_)", "pass", "unsynced", "push"
    ),
    Mutation(
        "git.new_settings:_replace_config",
        "prepared = durable.write_temporary(spool, data)",
        "prepared = spool / durable.temporary_name()\nprepared.write_bytes(data)",
        "unsynced",
        "push",
    ),
    Mutation(
        "project.remote.git_half:perform_git_half", "_note_branch(...)", "pass", "unsynced", "push"
    ),
    Mutation(
        "project.remote.git_half:perform_git_half",
        "stale_locks.clear_reference(...)",
        "pass",
        "git",
        "push",
    ),
    # Objects on their way from a remote.
    Mutation(
        "storage.remote.assembling:AssembledContent.holds_span",
        "self._has_digest(_)",
        "True",
        "kill",
        "pull",
    ),
    Mutation(
        "storage.remote.assembling:AssembledContent.is_sound",
        "self._hasher.hexdigest() == _",
        "True",
        "tests",
        "tests/storage/remote/test_download.py",
    ),
    Mutation(
        "storage.remote.download:_Download._bring_members",
        "Digest.of_bytes(_) == _",
        "True",
        "tests",
        "tests/storage/remote/test_download.py",
    ),
    Mutation(
        "storage.remote.assembling:AssembledContent._build_refusal",
        "error.filename = _",
        "",
        "errors",
        "pull",
    ),
    # What a push of git does by itself.
    Mutation(
        "features.hooks.sent_objects:send_objects",
        "objects_are_sent()",
        "False",
        "tests",
        _HOOK_TESTS,
    ),
    Mutation(
        "project.remote.pushing:send_needed",
        "sending.send_objects()",
        "pass",
        "tests",
        _HOOK_TESTS,
    ),
    Mutation(
        "project.remote.pushing:send_needed",
        "_require_sent(...)",
        "pass",
        "tests",
        _HOOK_TESTS,
    ),
    # What is fetched before the lock is taken.
    Mutation(
        "project.remote.fetching_ahead:fetch_ahead",
        "if not may_fetch(...): ...",
        "return FetchedAhead()",
        "tests",
        "tests/project/remote/test_fetching_ahead.py",
    ),
    Mutation(
        "project.checkout:check_out",
        "fetch_versions(...)",
        "pass",
        "tests",
        "tests/project/remote/test_fetching_ahead.py",
    ),
    # A fault of this machine is no answer of the remote.
    Mutation(
        "project.runs.exchange:_transfer_apart",
        "isinstance(error.__cause__, OSError)",
        "False",
        "tests",
        "tests/features/runs/test_exchange.py",
    ),
)
