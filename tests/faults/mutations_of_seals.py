"""The mutations that push, delete or misname a seal; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

SEAL_MUTATIONS = (
    Mutation(
        "features.hooks.deleted_seals:_has_landed",
        "_.has_held(_, _.tips, ...)",
        "False",
        "tests",
        "tests/features/hooks/test_deleted_seals.py",
    ),
    Mutation(
        "features.hooks.deleted_seals:read_own_branches",
        "_ in _",
        "True",
        "tests",
        "tests/features/hooks/test_deleted_seals.py",
    ),
    Mutation(
        "features.releasing.remote_tags:find_clashes",
        "_ is not None and not _seal_same_record(...)",
        "False",
        "tests",
        "tests/features/releasing/test_standing_tags.py",
    ),
    Mutation(
        "features.hooks.deleted_seals:_has_landed",
        "_.has_held(_, _.main, ...)",
        "False",
        "tests",
        "tests/features/merging/test_pushed_seals.py",
    ),
    Mutation(
        "project.tags.held_back_seals:find_dependents",
        "_1 in _2 or _3 is None",
        "True",
        "tests",
        "tests/features/releasing/test_held_back_seals.py",
    ),
    Mutation(
        "project.tags.held_back_seals:_find_beyond",
        "_1 & set(...)",
        "set()",
        "tests",
        "tests/features/releasing/test_held_back_seals.py",
    ),
    Mutation(
        "project.tags.seals:compare_history",
        "not _.has_held(...)",
        "False",
        "tests",
        "tests/features/checking/test_orphan_seals.py",
    ),
)
