"""How memory grows with the number of files: counted in bytes, which no load changes.

Half a million files are to take less than 150 MiB: that allows no Python object for each file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, NOW_EPOCH, Repository

# From the smaller number on, what is kept for some thousands of files at a time is at its largest.
SMALLER, LARGER = 16_000, 30_000
FILES_A_FOLDER = 2_000
MOST_BYTES_A_FILE = 500
# A child counts the memory of a large parent as its own until it starts a program, so that a small
# process stands between.
_MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def write_files(folder: Path, count: int) -> None:
    for start in range(0, count, FILES_A_FOLDER):
        inner = folder / str(start)
        inner.mkdir(parents=True)
        for number in range(start, start + FILES_A_FOLDER):
            (inner / f"{number:06}.bin").write_bytes(b"%d" % number)


def measure_peak(repository: Repository, *arguments: str) -> int:
    """The bytes that the largest process of a command took at most."""
    program = [sys.executable, "-c", _MEASURE, sys.executable, "-m", "mlver", *arguments]
    environment = {
        **os.environ,
        "PYTHONPATH": os.fspath(CHECKOUT),
        "SOURCE_DATE_EPOCH": NOW_EPOCH,
    }
    done = subprocess.run(
        program,
        cwd=repository.path,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
    )
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stdout) * unit


def measure_commands(repository: Repository, count: int) -> dict[str, int]:
    model, folder = f"m{count}", f"artifacts/{count}"
    write_files(repository.path / folder, count)
    register = ("register", model, "--weights", folder, "-m", "why")
    target = os.fspath(repository.path.parent / f"out-{count}")
    return {
        "register": measure_peak(repository, *register),
        "verify": measure_peak(repository, "verify", model),
        "checkout": measure_peak(repository, "checkout", model, "--to", target),
    }


@pytest.fixture(scope="module")
def slopes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    """The bytes that each command takes for one file more."""
    repository = Repository(tmp_path_factory.mktemp("memory") / "repository")
    repository.path.mkdir()
    repository.git("init", "--quiet")
    repository.write(".gitignore", "/artifacts\n")
    repository.commit()
    assert repository.mlver("init").code == 0
    smaller = measure_commands(repository, SMALLER)
    larger = measure_commands(repository, LARGER)
    return {name: (larger[name] - smaller[name]) / (LARGER - SMALLER) for name in smaller}


# Between 20,000 and 500,000 files a file takes 152 bytes (register), 124 (verify) or 234
# (checkout). The caches of a process still grow at these sizes, so that up to 360 are counted here.
# A list of the files with their digests would add 230.
@pytest.mark.parametrize("command", ["register", "verify", "checkout"])
def test_no_object_is_kept_for_each_file(slopes: dict[str, float], command: str) -> None:
    assert slopes[command] <= MOST_BYTES_A_FILE, slopes
