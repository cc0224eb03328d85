"""Folders in which each file is `<2>/<62>`: the two parts of the digest it is named by."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_HEX = frozenset("0123456789abcdef")


def list_names(directory: Path) -> list[str]:
    """The names in a directory; none where there is no directory."""
    try:
        return os.listdir(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []


def list_digests(directory: Path) -> Iterator[str]:
    """The digests that files in a directory are named by, in order."""
    for folder in sorted(list_names(directory)):
        for file_name in sorted(list_names(directory / folder)):
            digest = folder + file_name
            if len(folder) == 2 and is_digest(digest):
                yield digest


def is_digest(text: str) -> bool:
    """Whether these are the hexadecimal digits of a digest."""
    return len(text) == 64 and _HEX.issuperset(text)
