"""Lists of very many files: what goes in comes out, and two of them are compared in one pass."""

from __future__ import annotations

import random
import tracemalloc

import pytest

from mlver.digest import Digest
from mlver.project.artifacts.file_list import (
    NO_FILES,
    FileList,
    collect_folders,
    compare_lists,
)

ONE, TWO = Digest.of_bytes(b"1").hex, Digest.of_bytes(b"2").hex


def make_list(files: dict[str, str], folder: str = "w") -> FileList:
    entries = sorted((name.encode(), digest) for name, digest in files.items())
    return FileList.from_entries(folder, entries)


def test_files_come_out_as_they_went_in() -> None:
    files = make_list({"a": ONE, "b/c\nd": TWO, "e\\": ONE})
    assert list(files) == [("w/a", ONE), ("w/b/c\nd", TWO), ("w/e\\", ONE)]
    assert len(files) == 3
    assert files[1] == files[-2] == ("w/b/c\nd", TWO)
    assert files[:2] == list(files)[:2]
    assert list(FileList.from_entries("w", [(b"", ONE)])) == [("w", ONE)]
    assert list(FileList.from_entries("", [(b"a/b", ONE)])) == [("a/b", ONE)]


def test_an_empty_list_is_false() -> None:
    assert not NO_FILES
    assert list(NO_FILES) == []
    with pytest.raises(IndexError):
        _ = NO_FILES[0]


def test_lists_are_joined_one_after_the_other() -> None:
    joined = FileList.join_lists([make_list({"a": ONE}, "x"), make_list({"b": TWO}, "w")])
    assert list(joined) == [("x/a", ONE), ("w/b", TWO)]


@pytest.mark.parametrize("flags", [[], [1], [1, 0, 1]])
def test_each_file_needs_its_flag(flags: list[int]) -> None:
    files = make_list({"a": ONE, "b": TWO})
    with pytest.raises(ValueError, match="flags than that"):
        files.select_files(flags)


@pytest.mark.parametrize("count", [1, 50, 9_000])
def test_two_lists_are_compared_as_dicts_would_be(count: int) -> None:
    chance = random.Random(count)
    names = [f"{number // 100}/{number}" for number in range(count)]
    wanted = {name: chance.choice((ONE, TWO)) for name in names if chance.random() < 0.8}
    present = {name: chance.choice((ONE, TWO)) for name in names if chance.random() < 0.8}
    changes = compare_lists(make_list(wanted, ""), make_list(present, ""))
    written = {name: digest for name, digest in wanted.items() if present.get(name) != digest}
    assert dict(changes.write) == written
    assert dict(changes.replaced) == {
        name: digest for name, digest in present.items() if name in written
    }
    assert dict(changes.remove) == {
        name: digest for name, digest in present.items() if name not in wanted
    }


def test_half_a_million_files_would_take_twenty_mebibytes() -> None:
    count = 50_000
    entries = (
        (b"%d/part-%d/sample-%06d.bin" % (number // 5000, number // 500, number), ONE)
        for number in range(count)
    )
    tracemalloc.start()
    try:
        wanted = FileList.from_entries("data", entries)
        before = tracemalloc.get_traced_memory()[0]
        changes = compare_lists(wanted, NO_FILES)
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert before / count <= 45
    # A list of which everything is selected shares its pages.
    assert (after - before) / count <= 5
    assert len(changes.write) == count


def test_every_folder_above_a_path_is_collected() -> None:
    assert collect_folders(["a/b/c", "a/d", "e"]) == {"a", "a/b"}
