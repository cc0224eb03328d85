"""The mutations of what reads, keeps and replaces files; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

# Without its look for `..` and `.git`.
_LAXER_COMPONENT = r"""
_COMPONENT = rb"(?:[^./\\\n\0\xe2\xef][^/\\\n\0]*|\.(?!\.)[^/\\\n\0\x80-\xff]+)"
"""

FILE_MUTATIONS = (
    Mutation(
        "project.edit.intent:read_pending",
        "not proof.is_signed(...)",
        "False",
        "tests",
        "tests/faults/test_hostile_intents.py",
    ),
    Mutation(
        "project.artifacts.measuring:_rule_content",
        "LinkBounds.of_folder(...)",
        "None",
        "tests",
        "tests/features/registering/test_register_links.py",
    ),
    Mutation(
        "system.folders:FolderTree._enter",
        "os.open(_1, _FOLDER, dir_fd=_2)",
        "os.open(_1, os.O_RDONLY | os.O_DIRECTORY, dir_fd=_2)",
        "tests",
        "tests/project/artifacts/test_working_links.py",
    ),
    Mutation(
        "terminal.screen:TextScreen._print_text",
        "_hide_commands(text)",
        "text",
        "tests",
        "tests/faults/test_hostile_logs.py",
    ),
    Mutation(
        "project.edit.edit:_check_landed",
        "not _",
        "False",
        "tests",
        "tests/cli/test_foreign_work.py",
    ),
    Mutation(
        "project.edit.recovery:compare_with_plan",
        "[_1 == _2 for _1, _2 in _3]",
        "[_1 is not None for _1, _ in _3]",
        "kill",
        "register-large",
    ),
    Mutation(
        "project.edit.recovery:_put_file_back",
        "_ == _.writes[_]",
        "True",
        "tests",
        "tests/project/edit/test_recovery.py",
    ),
    Mutation(
        "project.artifacts.file_changes:save_files",
        "_1.put_object(_2).hex != _",
        "_1.put_object(_2) is None",
        "tests",
        "tests/project/artifacts/test_working_files.py",
    ),
    Mutation(
        "project.artifacts.assumed_files:_FileProof.require_proven",
        "not _",
        "False",
        "tests",
        "tests/project/artifacts/test_undoable_checkout.py",
    ),
    Mutation(
        "project.artifacts.assumed_files:_FileProof._hash_both",
        "_ != second_buffer",
        "False",
        "tests",
        "tests/project/artifacts/test_undoable_checkout.py",
    ),
    Mutation(
        "project.artifacts.assumed_files:_FileProof._is_kept",
        "_ == file.digest.hex",
        "True",
        "tests",
        "tests/project/artifacts/test_undoable_checkout.py",
    ),
    Mutation(
        "project.artifacts.file_changes:_check_saved",
        "_.digest.hex() != _",
        "False",
        "tests",
        "tests/project/artifacts/test_working_files.py",
    ),
    Mutation(
        "project.registering.register:_make_record",
        "require_holders(...)",
        "",
        "tests",
        "tests/features/registering/test_holders.py",
    ),
    Mutation(
        "project.artifacts.private_copies:make_private_copy",
        "measuring.measure_path(_).digest != _.digest",
        "False",
        "tests",
        "tests/project/artifacts/test_private_copies.py",
    ),
    Mutation(
        "project.artifacts.private_copies:_is_sound_copy",
        "measuring.measure_path(_).digest == _.digest",
        "",
        "tests",
        "tests/project/artifacts/test_private_copies.py",
    ),
    Mutation(
        "git.objects:_encode_requests",
        '_.endswith("\\r")',
        "",
        "tests",
        "tests/git/test_objects.py",
    ),
    Mutation(
        "git.objects:find_neighbours",
        "dict(reversed(_1))",
        "dict(_1)",
        "tests",
        "tests/git/test_objects.py",
    ),
    Mutation(
        "records.manifest:",
        "_COMPONENT = _",
        _LAXER_COMPONENT,
        "tests",
        "tests/records/test_manifest.py",
    ),
    Mutation(
        "records.manifest:_is_plain",
        "any(_[len(_)] == _ for _ in _)",
        "False",
        "tests",
        "tests/records/test_manifest.py",
    ),
    Mutation(
        "git.process:GitProcess.streamed",
        "check_finished(...)",
        "pass",
        "tests",
        "tests/git/test_objects.py",
    ),
    Mutation(
        "hashing.read:_read_small",
        "len(_) == _.st_size and stat_signature(...) == _",
        "True",
        "tests",
        "tests/hashing/test_measure.py",
    ),
    Mutation(
        "hashing.read:read_large",
        "_ == _.st_size and stat_signature(...) == _",
        "True",
        "tests",
        "tests/hashing/test_measure.py",
    ),
    Mutation(
        "system.state:StateDatabase.get_documents",
        "_ == _sum_text(...)",
        "",
        "tests",
        "tests/system/test_state.py",
    ),
    Mutation(
        "system.state:StateDatabase.read_files",
        "_sum_entry(...) == _",
        "",
        "tests",
        "tests/system/test_state.py",
    ),
    Mutation("system.state:close_all", "_.close()", "pass", "tests", "tests/cli/test_leaving.py"),
    Mutation(
        "project.tags.seals:_digest_committed",
        "_1.registry.cache",
        "_1.state",
        "tests",
        "tests/project/tags/test_seals.py",
    ),
    Mutation(
        "hashing.unchanged:_encode_in_two_processes.encode_rest",
        "None if _ else _1",
        "_1",
        "tests",
        "tests/hashing/test_cache.py",
    ),
    Mutation(
        "system.beside:_ForkedWorker.read_answer",
        "if _: return _1",
        "return _1",
        "tests",
        "tests/system/test_beside.py",
    ),
)
