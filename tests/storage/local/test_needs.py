"""What gc keeps so that contents in parts can be read, and what it refuses to guess."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.storage.local.needs import RecipeNeeds
from mlver.storage.recipes import XOR_PLANES
from tests.storage.local.series import SeriesStore, make_series


@pytest.fixture
def series(tmp_path: Path) -> SeriesStore:
    return SeriesStore.open_in(tmp_path / "mlver")


def share_three(series: SeriesStore) -> list[str]:
    """A whole checkpoint, and two that are kept in parts, of which no whole one waits any more."""
    digests = series.put(make_series(3, count=3))
    series.share(digests)
    shutil.rmtree(series.store.directory / "trash")
    return digests


def rewrite(series: SeriesStore, digest: str, old: bytes, new: bytes) -> Path:
    """Change the text of a recipe."""
    path = series.store.recipes.path_of(digest)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes().replace(old, new))
    return path


def follow(series: SeriesStore, *needed: str, trashed: frozenset[str] = frozenset()) -> set[str]:
    return RecipeNeeds(series.store, trashed).follow(set(needed))


def test_a_needed_recipe_of_a_newer_mlver_ends_it(series: SeriesStore) -> None:
    digests = share_three(series)
    path = rewrite(series, digests[1], b'"plain"', b'"zpaq"')
    with pytest.raises(MlverError, match="was written by a newer mlver") as caught:
        follow(series, digests[1])
    assert str(path) in caught.value.message
    assert "nothing is deleted" in caught.value.message
    assert caught.value.hints == ("pip install --upgrade mlver",)
    assert follow(series, digests[0]) == {digests[0]}


def test_a_needed_recipe_that_is_damaged_ends_it(series: SeriesStore) -> None:
    digests = share_three(series)
    rewrite(series, digests[2], b'"parts"', b'"barts"')
    with pytest.raises(MlverError, match=r"is damaged .* nothing is deleted"):
        follow(series, *digests)


def test_a_needed_recipe_that_cannot_be_opened_ends_it(series: SeriesStore) -> None:
    digests = share_three(series)
    path = series.store.recipes.path_of(digests[2])
    path.unlink()
    path.mkdir()
    with pytest.raises(MlverError, match=r"cannot be read .* nothing is deleted"):
        follow(series, *digests)


def test_an_unread_recipe_of_a_whole_content_ends_nothing(series: SeriesStore) -> None:
    digests = share_three(series)
    rewrite(series, digests[0], b"mlver/recipe/1", b"mlver/recipe/2")
    # Its parts are not known any more, so those who have some of them keep the rest, and itself.
    needed = follow(series, digests[1])
    assert needed >= {digests[0], digests[1]}
    blobs = {part.sha256 for part in series.store.recipes.read(digests[1]).parts}
    assert needed & blobs
    rewrite(series, digests[1], b'"plain"', b'"zpaq"')
    assert follow(series, digests[1], trashed=frozenset({digests[1]})) == {digests[1]}


def test_the_parts_that_are_left_of_a_content_are_kept(series: SeriesStore) -> None:
    digests = share_three(series)
    objects = {digest for digest in series.store.loose.list_digests() if digest not in digests}
    series.store.loose.path_of(digests[0]).unlink()
    assert follow(series, digests[2]) == {digests[2], *objects}
    assert XOR_PLANES not in {part.encoding for part in series.store.recipes.read(digests[2]).parts}


def test_verify_does_not_call_a_recipe_of_a_newer_mlver_damaged(series: SeriesStore) -> None:
    digests = share_three(series)
    rewrite(series, digests[1], b'"plain"', b'"zpaq"')
    messages = [problem.message for problem in series.store.verify_objects()]
    assert len(messages) == 1
    assert "the recipe was written by a newer mlver" in messages[0]
    (fault,) = (problem.message for problem in series.store.verify_objects([Digest(digests[1])]))
    assert "its recipe was written by a newer mlver" in fault
