"""A git-lfs pointer: the few lines that git holds in place of a file whose bytes git-lfs keeps.

https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md: `version` comes first, the other keys
follow in order, and the whole is shorter than 1,024 bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlver.digest import Digest

_BYTE_LIMIT = 1024
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n"
    rb"(?:.*\n)*?"
    rb"oid sha256:([0-9a-f]{64})\n"
    rb"size ([0-9]{1,18})\n"
)


@dataclass(frozen=True, slots=True)
class LfsPointer:
    """The file that a pointer stands for: `digest` of its bytes, `size` in bytes."""

    digest: Digest
    size: int


def parse_lfs_pointer(data: bytes) -> LfsPointer | None:
    """The pointer that a file's whole contents are; None for any other file."""
    if len(data) >= _BYTE_LIMIT:
        return None
    match = _POINTER.fullmatch(data)
    if match is None:
        return None
    return LfsPointer(Digest(match[1].decode()), int(match[2]))
