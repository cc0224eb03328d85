"""Objects are found by name, also where an index is lost or a folder cannot be read."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.errors import ObjectMissing
from mlver.storage.local import LocalStore
from mlver.storage.packs import BLOCK
from tests.storage.conformance import LARGE, get_content, put_contents
from tests.storage.local.helpers import flip_bit


def test_a_folder_nobody_may_search_is_not_taken_for_empty(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, _ = put_contents(store, LARGE, b"small")
    lstat = os.lstat

    def forbidden(path: Any, **options: Any) -> os.stat_result:
        if str(path) == str(store.loose.path_of(digest.hex)):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return lstat(path, **options)

    monkeypatch.setattr(os, "lstat", forbidden)  # root, who may run this, is forbidden nothing
    with pytest.raises(PermissionError):
        store.find_missing([digest])


@pytest.mark.parametrize("count", [1, 100])
def test_few_of_a_pack_are_found_as_well_as_many(store: LocalStore, count: int) -> None:
    known = put_contents(store, *(b"%d" % number for number in range(100)))
    asked = {digest.hex for digest in known[:count]}
    for others in (set(), {hashlib.sha256(b"other %d" % n).hexdigest() for n in range(500)}):
        assert store.find_locations(asked | others).keys() == asked


@pytest.mark.parametrize("harm", ["flip", "truncate", "remove"])
def test_a_bad_index_is_made_again(store: LocalStore, harm: str) -> None:
    digests = put_contents(store, *(b"%d" % number for number in range(50)))
    (index,) = store.packs_directory.glob("*.idx")
    good = index.read_bytes()
    if harm == "flip":
        flip_bit(index, 91 * 25 + 3)
    elif harm == "truncate":
        index.chmod(0o644)
        index.write_bytes(good[:1000])
    else:
        index.unlink()
    fresh = LocalStore.open_in(store.directory)
    assert [get_content(fresh, digest) for digest in digests] == [
        b"%d" % number for number in range(50)
    ]
    assert index.read_bytes() == good


def test_an_index_is_not_made_again_from_a_pack_that_is_not_whole(store: LocalStore) -> None:
    """What it then says would be kept as the truth, and other copies be looked for in vain."""
    contents = dict(zip(put_contents(store, b"one", b"two"), (b"one", b"two"), strict=True))
    (pack,) = store.packs_directory.glob("*.pack")
    (index,) = store.packs_directory.glob("*.idx")
    index.unlink()
    first, last = sorted(contents, key=lambda digest: pack.read_bytes().index(digest.hex.encode()))
    flip_bit(pack, pack.read_bytes().index(last.hex.encode()))
    assert get_content(LocalStore.open_in(store.directory), first) == contents[first]
    assert not index.exists()


@pytest.mark.parametrize("loss", ["loose", "in a pack", "all"])
def test_the_hints_of_a_missing_object_bring_it_from_a_clone(
    store: LocalStore, tmp_path: Path, loss: str
) -> None:
    large, small, other = put_contents(store, LARGE, b"small", b"other")
    shutil.copytree(store.directory, tmp_path / "CLONE/.git/mlver")
    if loss == "loose":
        store.loose.path_of(large.hex).unlink()
    elif loss == "in a pack":
        (pack,) = store.packs_directory.glob("*.pack")
        flip_bit(pack, pack.read_bytes().index(small.hex.encode()) + BLOCK)
        store.quarantine_damaged(small)
    else:
        shutil.rmtree(store.directory)
    lost = large if loss == "loose" else small
    with pytest.raises(ObjectMissing) as missing:
        get_content(LocalStore.open_in(store.directory), lost)
    for hint in missing.value.hints:
        subprocess.run(["sh", "-c", hint], cwd=tmp_path, check=True)
    repaired = LocalStore.open_in(store.directory)
    assert [Digest.of_bytes(get_content(repaired, d)) for d in (lost, other)] == [lost, other]
