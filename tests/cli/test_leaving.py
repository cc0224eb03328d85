from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import CHECKOUT

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
