"""The files of a series are stored once as far as they are the same, and come back as they were."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pytest

from mlver.content.delta import encode_part
from mlver.digest import Digest
from mlver.errors import ObjectDamaged
from mlver.storage.local.needs import RecipeNeeds
from mlver.storage.recipes import Part, Recipe
from mlver.storage.remote.reading import SourceReader
from tests.storage.local.helpers import flip_bit
from tests.storage.local.series import (
    MIB,
    SeriesStore,
    make_series,
    make_tensors,
    nudge,
    write_checkpoint,
)


@pytest.fixture
def series(tmp_path: Path) -> SeriesStore:
    return SeriesStore.open_in(tmp_path / "mlver")


def make_nudged(length: int) -> list[bytes]:
    """Checkpoints in which all values change a little."""
    tensors = make_tensors(3)
    checkpoints = [write_checkpoint(tensors)]
    for step in range(1, length):
        tensors = {name: nudge(data, step) for name, data in tensors.items()}
        checkpoints.append(write_checkpoint(tensors))
    return checkpoints


def test_ten_checkpoints_of_which_a_tenth_changes_take_less_than_two(series: SeriesStore) -> None:
    checkpoints = make_series(10)
    digests = series.put(checkpoints)
    shared = series.share(digests)
    assert [file.digest for file in shared] == digests[1:]
    assert series.count_bytes() <= 1.95 * len(checkpoints[0])
    for digest, content in zip(digests, checkpoints, strict=True):
        assert series.read(digest) == content
    assert list(series.store.verify_objects()) == []


def test_what_changed_a_little_is_stored_as_a_difference(series: SeriesStore) -> None:
    checkpoints = make_nudged(3)
    digests = series.put(checkpoints)
    shared = series.share(digests)
    assert [file.differences for file in shared] == [3, 3]
    assert series.count_bytes() < 1.7 * len(checkpoints[0])
    for digest, content in zip(digests, checkpoints, strict=True):
        assert series.read(digest) == content


def test_no_difference_is_to_another_one(series: SeriesStore) -> None:
    digests = series.put(make_nudged(4))
    series.share(digests)
    first = {part.sha256 for part in series.store.recipes.read(digests[0]).parts}
    for digest in digests[1:]:
        bases = {part.base for part in series.store.recipes.read(digest).parts}
        assert bases - {None} <= first


def test_a_difference_that_does_not_pay_is_not_made(series: SeriesStore) -> None:
    digests = series.put(make_series(2, count=4))
    (shared,) = series.share(digests)
    assert shared.differences == 0
    assert shared.stored == MIB


def test_without_an_encoder_what_is_equal_is_shared_all_the_same(series: SeriesStore) -> None:
    digests = series.put([*make_series(2), *make_nudged(2)])
    shared = series.share(digests[:2], encode=None)
    assert [file.digest for file in shared] == [digests[1]]
    assert series.share(digests[2:], encode=None) == []
    assert series.is_whole(digests[3])


def test_a_difference_that_gives_other_bytes_replaces_nothing(series: SeriesStore) -> None:
    def encode_wrongly(data: bytes, base: bytes, width: int) -> bytes:
        return encode_part(base, base, width)

    checkpoints = make_nudged(2)
    digests = series.put(checkpoints)
    for _ in range(2):
        assert series.share(digests, encode=encode_wrongly) == []
        assert all(map(series.is_whole, digests))
        assert series.read(digests[1]) == checkpoints[1]


def test_what_differences_are_to_is_needed(series: SeriesStore) -> None:
    """Nothing else is the same in both: not even the header, which says other types."""
    tensors = make_tensors(2)
    nudged = {name: nudge(data) for name, data in tensors.items()}
    digests = series.put([write_checkpoint(tensors), write_checkpoint(nudged, "I32")])
    (shared,) = series.share(digests)
    assert shared.differences == 2
    assert digests[0] in RecipeNeeds(series.store, set()).follow({digests[1]})


def test_nothing_is_a_difference_to_what_is_damaged(series: SeriesStore) -> None:
    digests = series.put(make_nudged(2))
    series.share(digests[:1])
    damaged = series.store.recipes.read(digests[0]).parts[1]
    flip_bit(series.store.loose.path_of(digests[0]), damaged.offset + 100)
    series.share(digests)
    bases = {part.base for part in series.store.recipes.read(digests[1]).parts}
    assert damaged.sha256 not in bases


def test_what_has_to_be_whole_stays_so_and_lends_its_parts(series: SeriesStore) -> None:
    checkpoints = make_series(3)
    digests = series.put(checkpoints)
    series.share(digests, whole=[digests[1]])
    assert [series.is_whole(digest) for digest in digests] == [True, True, False]
    assert series.count_bytes() < 2.2 * len(checkpoints[0])
    assert series.read(digests[2]) == checkpoints[2]


def test_what_has_to_be_whole_becomes_so_again(series: SeriesStore) -> None:
    checkpoints = make_nudged(2)
    digests = series.put(checkpoints)
    series.share(digests)
    assert not series.is_whole(digests[1])
    series.share(digests, whole=digests)
    assert series.store.loose.path_of(digests[1]).read_bytes() == checkpoints[1]
    assert series.share(digests, whole=digests) == []


def test_a_second_run_changes_nothing(series: SeriesStore) -> None:
    digests = series.put(make_series(3))
    series.share(digests)
    before = {path: path.stat().st_mtime_ns for path in series.store.directory.rglob("*")}
    assert series.share(digests) == []
    assert {path: path.stat().st_mtime_ns for path in series.store.directory.rglob("*")} == before


def test_a_run_that_ended_before_the_whole_one_went_is_finished(series: SeriesStore) -> None:
    digests = series.put(make_series(3))
    series.share(digests)
    # As a kill after the recipe leaves it.
    series.store.store_whole([Digest(digests[2])])
    assert series.is_whole(digests[2])
    assert [file.digest for file in series.share(digests)] == [digests[2]]


def test_what_others_have_parts_of_is_not_taken_apart(series: SeriesStore) -> None:
    digests = series.put(make_series(3))
    series.share(digests, whole=[digests[1]])
    # It is no stage's any more: its parts are still what the third one is read from.
    series.share(digests)
    assert series.is_whole(digests[1])
    assert series.read(digests[2])


def test_a_damaged_file_is_left_alone(series: SeriesStore) -> None:
    digests = series.put(make_series(2))
    flip_bit(series.store.loose.path_of(digests[1]), 5 * MIB)
    assert series.share(digests) == []
    assert list(series.store.recipes.list_digests()) == [digests[0]]
    (problem,) = series.store.verify_objects()
    assert problem.digest == Digest(digests[1])


def test_small_files_and_others_than_safetensors_stay(series: SeriesStore) -> None:
    digests = series.put([b"a" * MIB * 2, b"a" * MIB * 2 + b"b", b"small", b"smaller"])
    assert series.share(digests) == []
    assert list(series.store.recipes.list_digests()) == []


def share_two(series: SeriesStore) -> tuple[list[str], Recipe]:
    """A whole checkpoint and one that is kept in parts, with its recipe."""
    digests = series.put(make_nudged(2))
    series.share(digests)
    return digests, series.store.recipes.read(digests[1])


def find_difference(recipe: Recipe) -> Part:
    return next(part for part in recipe.parts if part.base is not None)


def test_a_damaged_part_is_named_and_nothing_is_served(series: SeriesStore) -> None:
    digests, recipe = share_two(series)
    shutil.rmtree(series.store.directory / "trash")
    blob = find_difference(recipe).sha256
    (location,) = series.store.find_copies({blob})[blob]
    flip_bit(Path(location.path), location.offset + 100)
    with pytest.raises(ObjectDamaged, match=f"part 2 of 4 .*{blob}.* is damaged"):
        series.read(digests[1])
    problems = {problem.digest: problem for problem in series.store.verify_objects()}
    assert problems.keys() == {Digest(blob), Digest(digests[1])}
    assert problems[Digest(digests[1])].lost


def test_what_waits_in_the_trash_serves_where_a_part_is_lost(series: SeriesStore) -> None:
    checkpoints = make_nudged(2)
    digests, _ = share_two(series)
    series.store.loose.path_of(digests[0]).unlink()
    before = sorted(series.store.directory.rglob("*"))
    assert series.store.find_missing([Digest(digests[1])]) == set()
    assert series.read(digests[1]) == checkpoints[1]
    assert sorted(series.store.directory.rglob("*")) == before


def test_a_lost_part_is_named(series: SeriesStore) -> None:
    digests, recipe = share_two(series)
    shutil.rmtree(series.store.directory / "trash")
    series.store.loose.path_of(digests[0]).unlink()
    assert series.store.find_missing([Digest(digests[1])]) == {Digest(digests[1])}
    (problem,) = series.store.verify_objects([Digest(digests[1])])
    assert f"part 1 of 4 (sha256:{recipe.parts[0].sha256}) is missing" in problem.message


def forge(series: SeriesStore, recipe: Recipe, **changes: object) -> None:
    """Change the first difference of a recipe, as somebody could who may write to the store."""
    values = {"sha256": "", "size": 0, "offset": 0, "encoding": "", "base": ""}
    part = find_difference(recipe)
    values = {name: getattr(part, name) for name in values} | changes
    parts = tuple(Part(**values) if other is part else other for other in recipe.parts)  # type: ignore[arg-type]
    series.store.recipes.write(Recipe(recipe.sha256, recipe.size, parts))


def test_a_difference_to_what_is_kept_in_parts_itself_is_refused(series: SeriesStore) -> None:
    digests, recipe = share_two(series)
    forge(series, recipe, base="ab" * 32)
    series.store.recipes.write(Recipe("ab" * 32, 1, (Part("cd" * 32, 1, 0),)))
    fault = series.store.open_rebuilder().describe_fault(digests[1])
    assert fault is not None
    assert "which is itself kept in parts" in fault


def test_a_recipe_of_itself_is_refused(series: SeriesStore) -> None:
    digests, recipe = share_two(series)
    forge(series, recipe, base=digests[1])
    fault = series.store.open_rebuilder().describe_fault(digests[1])
    assert fault is not None
    assert "a part of it is the content itself" in fault
    assert any("the content itself" in problem.message for problem in series.store.verify_objects())


def test_a_part_that_decompresses_to_more_than_its_size_is_refused(series: SeriesStore) -> None:
    digests, recipe = share_two(series)
    (bomb,) = series.put([encode_part(bytes(64 * MIB), bytes(64 * MIB), 4)])
    forge(series, recipe, sha256=bomb)
    fault = series.store.open_rebuilder().describe_fault(digests[1])
    assert fault is not None
    assert f"{bomb}) is compressed, and has {MIB + 1:,} bytes, not {MIB:,}" in fault


def test_a_part_of_another_size_is_refused_unread(series: SeriesStore) -> None:
    digests, recipe = share_two(series)
    (long,) = series.put([bytes(4 * MIB)])
    for changes in ({"sha256": long}, {"base": long}):
        forge(series, recipe, **changes)
        fault = series.store.open_rebuilder().describe_fault(digests[1])
        assert fault is not None
        assert f"{long}) has {4 * MIB:,} bytes, not" in fault


def test_sound_parts_of_another_content_are_refused(series: SeriesStore) -> None:
    digests, recipe = share_two(series)
    shutil.rmtree(series.store.directory / "trash")
    forge(series, recipe, sha256=recipe.parts[2].sha256, base=recipe.parts[2].base)
    with pytest.raises(ObjectDamaged, match="not those of this content"):
        series.read(digests[1])


def test_a_copy_of_another_size_is_passed_over(series: SeriesStore) -> None:
    digests, recipe = share_two(series)
    blob = find_difference(recipe).sha256
    (location,) = series.store.find_copies({blob})[blob]
    data = Path(location.path).read_bytes()[location.offset : location.offset + location.size]
    # Whoever forged the index made it as large as the part, which no difference is.
    index = Path(location.path).with_suffix(".idx")
    line = f"{blob} {location.offset:012} {location.size:012}"
    assert line in index.read_text()
    index.chmod(0o644)
    index.write_text(index.read_text().replace(line, f"{blob} {location.offset:012} {MIB:012}"))
    fresh = SeriesStore.open_in(series.store.directory)
    assert "has 1,048,576 bytes" in str(fresh.store.open_rebuilder().describe_fault(digests[1]))
    loose = fresh.store.loose.path_of(blob)
    loose.parent.mkdir(exist_ok=True)
    loose.write_bytes(data)
    assert fresh.store.open_rebuilder().describe_fault(digests[1]) is None


def test_recipes_of_many_digests_are_found_by_folder(series: SeriesStore) -> None:
    digests = series.put(make_series(3, count=3))
    series.share(digests)
    wanted = {*digests, *(f"{number:064x}" for number in range(100))}
    assert series.store.recipes.find_existing(wanted) == set(digests)
    assert series.store.recipes.find_existing(set()) == set()


def damage_whole(series: SeriesStore) -> list[str]:
    """Two checkpoints, of which the second one is whole and in parts, and the whole one damaged."""
    digests, _ = share_two(series)
    series.store.store_whole([Digest(digests[1])])
    shutil.rmtree(series.store.directory / "trash")
    flip_bit(series.store.loose.path_of(digests[1]), 5)
    return digests


def test_a_damaged_whole_one_is_served_from_its_parts(series: SeriesStore, tmp_path: Path) -> None:
    digests = damage_whole(series)
    content = make_nudged(2)[1]
    assert series.read(digests[1]) == content
    series.store.export_objects([(Digest(digests[1]), tmp_path / "out")])
    assert (tmp_path / "out").read_bytes() == content
    (problem,) = series.store.verify_objects()
    assert (problem.digest, problem.lost) == (Digest(digests[1]), False)
    assert len(series.store.quarantine_damaged(Digest(digests[1]))) == 1
    assert list(series.store.verify_objects()) == []
    assert series.read(digests[1]) == content


def test_it_is_lost_where_its_parts_are_damaged_as_well(series: SeriesStore) -> None:
    digests = damage_whole(series)
    flip_bit(series.store.loose.path_of(digests[0]), 2 * MIB)
    with pytest.raises(ObjectDamaged):
        series.read(digests[1])
    lost = {problem.digest for problem in series.store.verify_objects() if problem.lost}
    assert lost == {Digest(digest) for digest in digests}


def test_a_content_in_parts_is_not_sound_because_of_a_damaged_whole_one(
    series: SeriesStore,
) -> None:
    """`verify` sets the whole one aside, and with it the parts that it lends."""
    digests = series.put(make_series(2, count=3))
    series.share(digests, encode=None)
    shutil.rmtree(series.store.directory / "trash")
    # In the tensor that the second one has another of.
    flip_bit(series.store.loose.path_of(digests[0]), 3 * MIB // 2)
    assert series.read(digests[1])
    lost = {problem.digest for problem in series.store.verify_objects() if problem.lost}
    assert lost == {Digest(digest) for digest in digests}


def test_what_is_sent_in_ranges_is_put_together_beside_the_store(
    series: SeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where temporary files go, there may be room for little: it is often memory."""
    digests, recipe = share_two(series)
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    with SourceReader(series.store, Digest(digests[1]), recipe.size) as reader:
        assert reader.read_range(0, recipe.size) == make_nudged(2)[1]
    assert not [path for path in series.store.directory.iterdir() if path.is_file()]


def test_a_second_run_reads_no_recipe_for_each_file(
    series: SeriesStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = series.put(make_series(2, count=3, size=MIB // 4))
    series.share(digests)
    others = [
        series.put([write_checkpoint(make_tensors(3, MIB // 2, seed))])[0] for seed in range(2, 12)
    ]
    series.share(others, whole=others)
    reads: list[str] = []
    read = series.store.recipes.read

    def count_reads(digest: str) -> Recipe:
        reads.append(digest)
        return read(digest)

    monkeypatch.setattr(series.store.recipes, "read", count_reads)
    # They hold no stage any more.
    assert series.share(others) == []
    assert len(reads) <= 4 * len(others)


def test_a_damaged_recipe_is_made_again_from_the_whole_file(series: SeriesStore) -> None:
    digests, _ = share_two(series)
    path = series.store.recipes.path_of(digests[0])
    written = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(written[:-9])
    series.share(digests)
    assert path.read_bytes() == written
    path.write_bytes(written.replace(b"mlver/recipe/1", b"mlver/recipe/2"))
    series.share(digests)
    assert path.read_bytes() != written
