from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.faults.sampling import read_turn, sample_points

# Four places make calls, one of them over and over.
POINTS = [
    f"{place}{number}"
    for place, times in (("a", 2), ("b", 40), ("c", 1), ("d", 3))
    for number in range(times)
]


def first_letter(point: str) -> str:
    return point[0]


@pytest.mark.parametrize("turn", range(50))
def test_every_kind_has_its_turn_before_any_has_a_second(turn: int) -> None:
    chosen = sample_points(POINTS, 4, turn, first_letter)
    assert sorted(map(first_letter, chosen)) == ["a", "b", "c", "d"]
    more = sample_points(POINTS, 7, turn, first_letter)
    assert {"a0", "a1", "c0"} <= set(more)
    assert more == [point for point in POINTS if point in more]


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 20, 45])
def test_in_time_every_point_is_tried(most: int) -> None:
    tried: set[str] = set()
    for turn in range(400):
        chosen = sample_points(POINTS, most, turn, first_letter)
        assert len(set(chosen)) == most
        tried.update(chosen)
    assert tried == set(POINTS)


def test_all_points_are_tried_where_there_is_time_for_them() -> None:
    assert sample_points(POINTS, len(POINTS), 7, first_letter) == POINTS


def test_each_commit_is_another_turn(repository: Repository, tmp_path: Path) -> None:
    before = read_turn(repository.path)
    repository.git("commit", "--quiet", "--allow-empty", "--message", "Next")
    assert read_turn(repository.path) != before
    assert read_turn(tmp_path) == 0
