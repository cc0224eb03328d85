"""A git-lfs pointer, and files that only look like one."""

from __future__ import annotations

import pytest

from mlver.content.lfs_pointer import LfsPointer, parse_lfs_pointer
from mlver.digest import Digest

VERSION_LINE = b"version https://git-lfs.github.com/spec/v1\n"
OID = b"oid sha256:" + b"ab" * 32 + b"\n"
POINTER = VERSION_LINE + OID + b"size 12345\n"


def test_a_pointer_names_a_digest_and_a_size() -> None:
    assert parse_lfs_pointer(POINTER) == LfsPointer(Digest("ab" * 32), 12_345)


def test_extensions_stand_between_the_version_and_the_digest() -> None:
    extended = VERSION_LINE + b"ext-0-foo sha256:" + b"cd" * 32 + b"\n" + OID + b"size 1\n"
    assert parse_lfs_pointer(extended) == LfsPointer(Digest("ab" * 32), 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        VERSION_LINE,
        VERSION_LINE + OID,
        OID + b"size 1\n",
        VERSION_LINE + b"oid sha256:ab\nsize 1\n",
        POINTER + b"more\n",
        POINTER.replace(b"\n", b"\r\n"),
        VERSION_LINE + b"ext-0-foo x\n" * 100 + OID + b"size 1\n",
    ],
)
def test_other_files_are_none(data: bytes) -> None:
    assert parse_lfs_pointer(data) is None
