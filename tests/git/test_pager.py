"""The pager gets a text that is larger than a pipe, and its own failures are told."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from mlver.git.pager import run_pager

# More than any pipe holds.
LARGE = b"line\n" * 1_000_000


@pytest.mark.parametrize(
    ("command", "failure"),
    [
        ("cat >/dev/null", None),
        ("true", None),
        ("sh -c 'exec 0<&-; exit 3'", "failed with status 3"),
        ("head -n 1 >/dev/null; exit 1", "failed with status 1"),
        ("no-such-pager", "could not be started"),
        ("kill -KILL $$", "failed with status -9"),
    ],
)
def test_a_large_text(command: str, failure: str | None) -> None:
    before = threading.active_count()
    assert run_pager(command, LARGE) == failure
    assert threading.active_count() == before


def test_a_program_that_reads_on_behind_us_gets_all_of_it(tmp_path: Path) -> None:
    """Such as an editor with windows, whose first process ends at once."""
    copy = tmp_path / "copy"
    assert run_pager(f"exec 3<&0; (sleep 0.2; cat <&3 >'{copy}') &", LARGE) is None
    deadline = time.monotonic() + 10
    while (not copy.exists() or copy.stat().st_size < len(LARGE)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert copy.read_bytes() == LARGE
