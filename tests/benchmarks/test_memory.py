"""How memory grows with the number of files: counted in bytes, which no load changes.

Half a million files are to take less than 150 MiB: that allows no Python object for each file.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import CHECKOUT, NOW_EPOCH, Repository

# From the smaller number on, what is kept for some thousands of files at a time is at its largest.
SMALLER, LARGER = 15_000, 30_000
FILES_A_FOLDER = 2_000
MOST_BYTES_A_FILE = 500
MOST_BYTES_COMPARED = 700
# A child counts the memory of a large parent as its own until it starts a program, so that a small
# process stands between.
_MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
assert done.returncode == 0
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def write_files(folder: Path, count: int, state: bytes) -> None:
    for start in range(0, count, FILES_A_FOLDER):
        inner = folder / str(start)
        inner.mkdir(parents=True, exist_ok=True)
        for number in range(start, min(start + FILES_A_FOLDER, count)):
            (inner / f"{number:06}.bin").write_bytes(b"%b %d" % (state, number))


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
    artifact = repository.path / folder
    write_files(artifact, count, b"first")
    register = ("register", model, "--weights", folder, "-m", "why")
    target = os.fspath(repository.path.parent / f"out-{count}")
    peaks = {
        "register": measure_peak(repository, *register),
        "verify": measure_peak(repository, "verify", model),
        "checkout to": measure_peak(repository, "checkout", model, "--to", target),
    }
    write_files(artifact, count, b"second")
    peaks["verify changed files"] = measure_peak(repository, "verify", model)
    peaks["checkout over changed files"] = measure_peak(repository, "checkout", model, "--force")
    return peaks


def measure_slopes(repository: Repository) -> dict[str, float]:
    """The bytes that each command takes for one file more."""
    repository.path.mkdir()
    repository.git("init", "--quiet")
    repository.write(".gitignore", "/artifacts\n")
    repository.commit()
    assert repository.mlver("init").code == 0
    smaller = measure_commands(repository, SMALLER)
    larger = measure_commands(repository, LARGER)
    return {name: (larger[name] - smaller[name]) / (LARGER - SMALLER) for name in smaller}


# Between 20,000 and 500,000 files a file takes 152 bytes (register) or less. The caches of a
# process still grow at these sizes, so that up to 400 are counted here, and where two lists of
# files are compared 560. A list of the files with their digests would add 230 to each.
def test_no_object_is_kept_for_each_file(tmp_path: Path) -> None:
    """One test for all commands: each worker with a test of its own would measure them all."""
    slopes = measure_slopes(Repository(tmp_path / "repository"))
    for command, slope in slopes.items():
        most = MOST_BYTES_COMPARED if "changed" in command else MOST_BYTES_A_FILE
        assert slope <= most, (command, slopes)
