"""A repository that somebody means harm, and a folder beside it that must stay as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, Repository
from tests.faults import ground


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the repository: it stays as it is, and its `canary` never comes."""
    made = tmp_path / "outside"
    (made / "models").mkdir(parents=True)
    (made / "precious.txt").write_text("precious\n")
    return made


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of `m`, the first in production; made once, in a process of its own."""
    top = tmp_path_factory.mktemp("made") / "repository"
    subprocess.run(
        [sys.executable, "-c", _MAKE, top],
        cwd=CHECKOUT,
        check=True,
        env={**os.environ, "PYTHONPATH": "."},
    )
    return top


_MAKE = """
import sys
from pathlib import Path
from tests.faults import ground
place = ground.new_place(Path(sys.argv[1]))
place.write("README.md", "# A project")
place.write(".gitignore", "/model.bin\\n/data/\\n/served/\\n")
place.write("model.bin", b"one")
place.write("data/a.txt", "a")
place.write("data/b.txt", "b")
place.commit()
place.mlver("init")
artifacts = ("--weights", "model.bin", "--data", "train=data")
place.mlver("register", "m", *artifacts, "--version", "1.0.0", "-m", "First")
place.mlver("promote", "m@1.0.0", "--to", "production", "-m", "Good")
place.write("model.bin", b"two")
place.mlver("register", "m", "--version", "1.1.0", "-m", "Second")
"""


@pytest.fixture
def victim(made: Path, tmp_path: Path) -> Repository:
    """A copy of the repository that is to suffer."""
    return Repository(ground.copy_place(made, tmp_path / "repository").path)
