"""What every hostile repository is put through, and what must not happen meanwhile."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from tests.conftest import CommandOutcome, Repository

# What could move a cursor, colour a line, or turn text around. A newline is a line's end, once
# printed by us.
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# As the runners read the log of a job: GitHub trims a line first, Azure and GitHub's older marks
# stand anywhere.
RUNNER_COMMAND = re.compile(r"^\s*::|##\w*\[", re.MULTILINE)
READING = (
    ("list",),
    ("list", "m"),
    ("list", "--csv"),
    ("list", "--markdown", "--sort", "accuracy"),
    ("show", "m"),
    ("log",),
    ("status",),
    ("diff", "m@1.0.0"),
    ("diff", "m@1.0.0", "m@1.1.0"),
    ("audit",),
    ("audit", "--at", "2026-01-02"),
    ("verify",),
    ("verify", "--all"),
    ("doctor",),
)
WRITING = (
    ("checkout", "m@1.0.0", "--to", "served"),
    ("promote", "m@1.1.0", "--to", "staging", "-m", "Why"),
    ("register", "m", "--bump", "minor", "-m", "Why", "--allow-dirty"),
    ("tag",),
    ("checkout", "m@1.1.0", "--force"),
    ("init",),
)
_SLOW_S = 10.0


def write_canary(outside: Path, name: str = "evil") -> str:
    """A program that signs a canary, and then does what a filter or a pager would."""
    path = outside / name
    path.write_text(f"#!/bin/sh\necho '{name}' >>'{outside}/canary'\ncat\n")
    path.chmod(0o755)
    return os.fspath(path)


def check_outcome(done: CommandOutcome, *codes: int) -> None:
    assert done.code in (codes or (0, 1, 2, 3)), done
    assert "Traceback" not in done.err
    for printed in (done.out, done.err):
        assert not _CONTROL.search(printed), printed
        assert not RUNNER_COMMAND.search(printed), printed


def check_all_commands(
    victim: Repository, outside: Path, commands: tuple[tuple[str, ...], ...] = READING + WRITING
) -> None:
    before = read_tree(outside)
    for argv in commands:
        began = time.monotonic()
        check_outcome(victim.mlver(*argv))
        assert time.monotonic() - began < _SLOW_S, argv
        after = read_tree(outside)
        assert after == before, f"{argv} wrote outside: {dict(after.items() - before.items())}"


def read_tree(top: Path) -> dict[str, bytes | None]:
    return {
        str(path): path.read_bytes() if path.is_file() else None for path in sorted(top.rglob("*"))
    }
