from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import CHECKOUT, Repository

KEY = "0" * 64


def test_what_was_told_and_kept_is_there_when_the_process_ends_at_once(tmp_path: Path) -> None:
    path = tmp_path / "own/state.db"
    script = (
        "import sys; from pathlib import Path\n"
        "from mlver.cli.leaving import end_process; from mlver.system.state import StateDatabase\n"
        f"state = StateDatabase(Path({str(path)!r})); state.put_document({KEY!r}, '1')\n"
        "sys.stdout.write('told'); sys.stderr.write('remarked'); end_process(3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": ""},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, b"told", b"remarked")
    assert [file.name for file in path.parent.iterdir()] == [
        "state.db"
    ]  # closed: no journal is left to be read


def count_descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def test_a_command_leaves_no_file_open(second: Repository) -> None:
    """A file system could not be unmounted after it, and Python 3.13 warns of each connection."""
    second.mlver("list")
    before = count_descriptors()
    for words in (("list",), ("status",), ("show", "digits@7.0.0"), ("verify",)):
        second.mlver(*words)
    assert count_descriptors() == before
