"""A `.mlverignore` of any author: no command breaks, waits or writes elsewhere for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.faults.hostile import check_all_commands, check_outcome

HOSTILE = {
    "everything": b"*\n",
    "everything but what is named": b"*\n!data\n!a.txt\n",
    "what goes out of the work tree": b"../*\n/../../etc\n../../\n",
    "what is git's and mlver's own": b".git\n.mlver/\n!.git/\n",
    "control characters": b"\x1b[31m*\x1b[0m[\n::error::x\n##[error]\n",
    "names of a page": b"<script>\n![x](y)\n`a`|b\n",
    "no UTF-8": b"\xff\xfe*\n",
    "UTF-16": "a*\n".encode("utf-16"),
    "turned text": "a\u202eb\\\n".encode(),
    "NUL": b"a\x00b\n*\x00\n",
    "unclosed brackets": b"[\n[!\n[a-\n[]\n",
    "backwards ranges": b"[z-a]\n",
    "a lone backslash": b"\\\n",
    "only negations": b"!*\n!**\n!/\n",
    "many stars": b"*" + b"a*" * 3_000 + b"b\n",
    "many double stars": b"**/" * 2_000 + b"b\n",
    "many lines": b"*a*b*c*d*e*f*\n" * 4_000,
    "one long line": b"a" * 60_000 + b"\n",
    "more than there may be": b"#" * 70_000,
    "only line ends": b"\r\n" * 30_000,
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_nothing_breaks_or_writes_elsewhere(
    victim: Repository, outside: Path, content: bytes
) -> None:
    victim.write(".mlverignore", content)
    check_all_commands(victim, outside)


@pytest.mark.parametrize("target", ["/dev/zero", "../outside", ".git/config", ".mlverignore", "."])
def test_it_is_never_read_through_a_link(victim: Repository, target: str) -> None:
    (victim.path / ".mlverignore").symlink_to(target)
    for argv in (("status",), ("register", "m", "--bump", "minor", "-m", "x", "--allow-dirty")):
        done = victim.mlver(*argv)
        check_outcome(done)
        assert ".mlverignore cannot be read: it is a symlink" in " ".join(
            f"{done.out}{done.err}".split()
        )
