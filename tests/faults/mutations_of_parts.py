"""The mutations of what is kept in parts; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

PARTS_MUTATIONS = (
    Mutation(
        "storage.local.needs:RecipeNeeds.follow",
        "raise _unread_error(...)",
        "pass",
        "tests",
        "tests/storage/local/test_needs.py",
    ),
    Mutation(
        "storage.local.needs:RecipeNeeds.follow",
        "_ |= self._unread.keys() & _",
        "pass",
        "tests",
        "tests/storage/local/test_needs.py",
    ),
    Mutation(
        "storage.local.catalogue:ObjectCatalogue.find_every_copy",
        "self._find_recipes",
        "",
        "tests",
        "tests/storage/local/test_sharing.py",
    ),
    Mutation(
        "storage.local.verify:_judge_faults",
        "not _has_spare(...)",
        "True",
        "tests",
        "tests/storage/local/test_sharing.py",
    ),
    Mutation(
        "storage.local.verify:_find_rebuilt_faults",
        "store.open_reader(spoilt)",
        "store.open_reader()",
        "tests",
        "tests/storage/local/test_sharing.py",
    ),
    Mutation(
        "storage.local.trashed:_put_back",
        "durable.claim_name(_1, _2)",
        "_1.replace(_2)",
        "tests",
        "tests/storage/local/test_trashed.py",
    ),
    Mutation(
        "storage.local.trashed:_put_back",
        "not has_same_bytes(...)",
        "False",
        "tests",
        "tests/storage/local/test_trashed.py",
    ),
    Mutation(
        "project.remote.local_gc:collect_local",
        "read_series(project)",
        "(file for once in (0,) for file in read_series(project))",
        "tests",
        "tests/features/retention/test_gc_series.py",
    ),
)
