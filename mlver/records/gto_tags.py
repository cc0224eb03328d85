"""The names of GTO's tags (https://github.com/iterative/gto).

`name@v1.2.3` registers a version, `name#stage` or `name#stage#4` assigns a stage to the version on
the same commit, and a `!` behind either takes it back. The number counts a model's tags.

mlver can mirror promotions by such tags. Their last paragraph names the promotion's own tag.
"""

from __future__ import annotations

import re

GTO_TAG = re.compile(
    r"(?P<model>[^#@!]+)"
    r"(?:@v(?P<version>[^#!]+)|#(?P<stage>[^#@!]+))"
    r"(?P<cancel>!?)"
    r"(?:#(?P<count>[0-9]{1,9}))?"
)
# The highest number that the pattern reads.
HIGHEST_COUNT = 999_999_999

# What GTO takes for the name of an artifact or a stage (`gto/constants.py` of GTO 1.9); it also
# takes slashes, which no name here has.
_READABLE = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?")
_MIRROR = re.compile(r"\n\nMlver-Mirrors: (\S+)\n*\Z")


def is_readable(name: str) -> bool:
    """Say whether GTO takes this for the name of an artifact or of a stage."""
    return _READABLE.fullmatch(name) is not None


def read_count(name: str) -> int:
    """The number behind a tag; 0 for a tag without one, and for no tag of GTO's."""
    named = GTO_TAG.fullmatch(name)
    return int(named["count"] or 0) if named is not None else 0


def stage_tag_name(model: str, stage: str, count: int, *, withdrawn: bool) -> str:
    """The name of a tag that gives a version a stage, or takes the stage from it."""
    return f"{model}#{stage}{'!' if withdrawn else ''}#{count}"


def write_mirror_message(message: str, promotion_tag: str) -> str:
    """The message of a tag that mirrors the promotion which `promotion_tag` seals."""
    return f"{message}\n\nMlver-Mirrors: {promotion_tag}\n"


def read_mirrored(message: str) -> str | None:
    """The tag of the promotion that a tag mirrors, by its message; None for another's tag."""
    mirrored = _MIRROR.search(message)
    return mirrored[1] if mirrored else None
