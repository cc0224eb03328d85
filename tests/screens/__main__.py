"""Records the screens again: `python -m tests.screens`.

Look at the difference before you commit it: what changed there changed for whoever reads it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import CHECKOUT

RECORDED = CHECKOUT / "tests/screens/recorded"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        # The test knows how; run so, it writes the screens into the folder.
        code = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "tests/screens"],
            cwd=CHECKOUT,
            env={**os.environ, "SCREENS_INTO": folder},
            check=False,
        ).returncode
        for file in sorted(Path(folder).iterdir()):
            shutil.copyfile(file, RECORDED / file.name)
    return code


if __name__ == "__main__":
    sys.exit(main())
