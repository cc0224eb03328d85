"""Real programs that tests need and a fresh machine may lack: installed here, or skipped loudly."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT

_LOCKS = CHECKOUT / "locks"
_PIN = re.compile(r"^\S+==\S+(?: ;.*?)?(?= \\$)", re.MULTILINE)
# Set by `tests/run.sh --latest`; read here, before the tests are sealed off.
_LATEST = "MLVER_TESTS_LATEST" in os.environ


@contextmanager
def hold_lock(lock: Path) -> Iterator[None]:
    """Hold off other workers of the same test run, and of others."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def require_program(program: str, package: str | None = None) -> None:
    """Have a Debian package's program (by whose name the package goes, unless told)."""
    if shutil.which(program):
        return
    said = "only root may"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
        with hold_lock(Path(tempfile.gettempdir()) / "mlver-tests-apt.lock"):
            for words in (
                ["update"],
                ["install", "--yes", "--no-install-recommends", package or program],
            ):
                if not shutil.which(program):
                    said = subprocess.run(
                        [*apt, *words], capture_output=True, text=True, check=False
                    ).stderr
    if not shutil.which(program):
        pytest.skip(f"THERE IS NO {program}, AND IT COULD NOT BE INSTALLED: {said.strip()[-300:]}")


def install_packages(directory: Path, group: str) -> Path:
    """The programs of a virtual environment with a dependency group of pyproject.toml, as its lock
    file has it.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", directory], check=True)
    wanted = ["--require-hashes", "--requirement", os.fspath(_LOCKS / f"{group}.txt")]
    if _LATEST:
        wanted = ["--group", f"{CHECKOUT / 'pyproject.toml'}:{group}"]
    _run_pip("--python", os.fspath(directory), "install", "--no-compile", *wanted)
    return directory / "bin"


def pin_packages(folder: Path) -> dict[str, str]:
    """Variables for programs that start pip themselves, so that it installs mlver with what the
    lock files name.
    """
    if _LATEST:
        return {}
    place = folder / "pins.txt"
    place.write_text("\n".join(_PIN.findall((_LOCKS / "dev.txt").read_text())))
    return dict.fromkeys(("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"), os.fspath(place))


def install_pipeline_tools(folder: Path) -> Path:
    """The programs of a virtual environment with all that judges pipelines, and mlver, as its
    wheel.

    What is made is shared by the workers of a run.
    """
    with hold_lock(folder / "programs.lock"):
        made = folder / "programs"
        if not (folder / "programs.done").exists():
            shutil.rmtree(made, ignore_errors=True)
            to = os.fspath(folder / "wheel")
            _run_pip(
                "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", to, os.fspath(CHECKOUT)
            )
            install_packages(made, "pipelines")
            # The lock file names what mlver needs as well; the newest of that is yet to come.
            index = () if _LATEST else ("--no-index",)
            words = ("--python", os.fspath(made), "install", "--no-compile", *index)
            _run_pip(*words, os.fspath(build_wheel(folder)))
            (folder / "programs.done").touch()
    return made / "bin"


def build_wheel(folder: Path) -> Path:
    return next((folder / "wheel").glob("*.whl"))


def _run_pip(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(
            f"WHAT TESTS NEED CANNOT BE HAD: pip {' '.join(words)} failed:"
            f" {done.stderr.strip()[-500:]}"
        )
