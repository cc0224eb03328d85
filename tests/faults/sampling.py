"""Which points of a campaign an ordinary run tries, where it cannot try all.

Points of one kind (the same place in mlver makes the same call, and it fails in the same way)
hardly differ, so that each kind has its turn before any has a second one. What is left out changes
with each commit: in time every point is tried.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from math import ceil
from pathlib import Path
from typing import TypeVar

Point = TypeVar("Point")
_SITE_DEPTH = 4


def find_site() -> str:
    """The functions of mlver that are making a call: the innermost ones, which tell it from others.

    One function writes all small files, and whose it is says who called that.
    """
    names: list[str] = []
    frame = sys._getframe(1)
    while frame.f_back is not None and len(names) < _SITE_DEPTH:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("mlver."):
            names.append(f"{module}:{frame.f_code.co_qualname}")
        frame = frame.f_back
    return " < ".join(names)


def read_turn(checkout: Path) -> int:
    """A number that each commit changes; 0 outside a repository, as in a copy."""
    command = ["git", "rev-parse", "--short=8", "HEAD"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        return 0
    return int(done.stdout.strip()[:8], 16)


def sample_points(
    points: Sequence[Point], most: int, turn: int, find_kind: Callable[[Point], Hashable]
) -> list[Point]:
    """At most so many of the points, in their order; over all turns, every point."""
    if len(points) <= most:
        return list(points)
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for index, point in enumerate(points):
        groups[find_kind(point)].append(index)
    # Where only some kinds have their turn, theirs is over when all of them had one.
    start = turn // max(1, ceil(len(groups) / most))
    chosen: list[int] = []
    for number in range(max(map(len, groups.values()))):
        remaining = [group for group in groups.values() if number < len(group)]
        indices = [group[(start + number) % len(group)] for group in remaining]
        chosen += _spread_evenly(indices, most - len(chosen), turn)
        if len(chosen) == most:
            break
    return [points[index] for index in sorted(chosen)]


def _spread_evenly(indices: Sequence[int], most: int, turn: int) -> list[int]:
    """At most so many of them, one from each of as many equal stretches."""
    if len(indices) <= most:
        return list(indices)
    chosen: list[int] = []
    for number in range(most):
        start = number * len(indices) // most
        stop = (number + 1) * len(indices) // most
        chosen.append(indices[start + turn % (stop - start)])
    return chosen
