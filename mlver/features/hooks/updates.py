"""The references that a push updates."""

from __future__ import annotations

from dataclasses import dataclass

TAGS, BRANCHES = "refs/tags/", "refs/heads/"


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """A reference of the other side, from `old` to `new` (ids; zeros where there is nothing)."""

    old: str
    new: str
    ref: str
