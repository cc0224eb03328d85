"""The mutations of what keeps the files of series in parts; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_STORE_TESTS = "tests/storage/local/test_sharing.py"
_GC_TESTS = "tests/features/retention/test_gc_series.py"

SERIES_MUTATIONS = (
    # A content goes out of service only once its parts were read, and found to be the same.
    Mutation(
        "storage.local.sharing:PartSharer._replace_whole",
        "_ is not None or _1 is None",
        "_1 is None",
        "tests",
        _STORE_TESTS,
    ),
    # A base is proven, is stored as it is, and has the size of the part.
    Mutation(
        "storage.local.sharing:_BaseFinder.find_base",
        "hashlib.sha256(_).hexdigest() == _1",
        "True",
        "tests",
        _STORE_TESTS,
    ),
    Mutation(
        "storage.local.sharing:_BaseFinder._list_bases",
        "_1.base or _1.sha256",
        "_1.sha256",
        "tests",
        _STORE_TESTS,
    ),
    # A damaged content is left as it is.
    Mutation(
        "storage.local.sharing:_WholeReader.hash_parts",
        "_.hexdigest() != _1",
        "False",
        "tests",
        _STORE_TESTS,
    ),
    # A base that is lost, or in parts itself, makes nothing.
    Mutation(
        "storage.local.rebuilding:list_blobs",
        "_.update(...)",
        "pass",
        "tests",
        _STORE_TESTS,
    ),
    # What nobody needs goes, and no base or part of what somebody needs.
    Mutation(
        "storage.local.needs:RecipeNeeds.follow",
        "(set(_1) - _2) | _3",
        "set(_1) - _2",
        "tests",
        _GC_TESTS,
    ),
    Mutation(
        "project.remote.local_gc:_keep_damaged",
        "any(...)",
        "False",
        "tests",
        _GC_TESTS,
    ),
    # A version that gets a stage is whole before.
    Mutation("project.stages.moves:move_stage", "store_whole(...)", "pass", "tests", _GC_TESTS),
)
