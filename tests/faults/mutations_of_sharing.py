"""The mutations that believe a shared cache or a git-lfs server; see `mutations.py`."""

from __future__ import annotations

from tests.faults.mutate import Mutation

_CACHE_TESTS = "tests/storage/test_shared_cache.py"
_LFS_TESTS = "tests/storage/remote/test_lfs.py"

SHARING_MUTATIONS = (
    Mutation(
        "storage.shared_cache:_take_content",
        "Digest.of_bytes(_) != _",
        "False",
        "tests",
        _CACHE_TESTS,
    ),
    Mutation("storage.shared_cache:_take_large", "_ != _.hex", "False", "tests", _CACHE_TESTS),
    Mutation(
        "storage.local.incoming:LooseBlob.copy_checked",
        "_ == _",
        "True",
        "tests",
        _CACHE_TESTS,
    ),
    Mutation("storage.remote.lfs_contents:_place_large", "_ == _.hex", "True", "tests", _LFS_TESTS),
    Mutation(
        "storage.remote.lfs_contents:_take_content",
        "Digest.of_bytes(_) != _",
        "False",
        "tests",
        _LFS_TESTS,
    ),
    Mutation(
        "storage.remote.lfs_contents:_take_content", "_ != _.hex", "False", "tests", _LFS_TESTS
    ),
)
