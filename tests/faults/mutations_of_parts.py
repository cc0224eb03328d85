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
        "project.remote.local_gc:collect_local",
        "read_series(project)",
        "(file for once in (0,) for file in read_series(project))",
        "tests",
        "tests/features/retention/test_gc_series.py",
    ),
)
