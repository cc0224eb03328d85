"""Real programs that tests need and a fresh machine may lack: installed here, or skipped loudly."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest


def needs(program: str, package: str) -> None:
    """Have a Debian package's program; two workers of one run do not install it at once."""
    if shutil.which(program):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        with (Path(tempfile.gettempdir()) / "mlver-tests-apt.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for words in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", package]):
                if not shutil.which(program):
                    subprocess.run(["apt-get", *words], capture_output=True, check=False)
    if not shutil.which(program):
        pytest.skip(f"THERE IS NO {program}, AND IT COULD NOT BE INSTALLED: apt-get install {package}")


def installed(directory: Path, *packages: str) -> Path:
    """The programs of a virtual environment with these packages."""
    subprocess.run([sys.executable, "-m", "venv", directory], check=True)
    done = subprocess.run(
        [directory / "bin/pip", "install", "--quiet", *packages], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"{' AND '.join(packages).upper()} COULD NOT BE INSTALLED: {done.stderr[-300:]}")
    return directory / "bin"
