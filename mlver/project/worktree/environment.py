"""Where a model was trained, read from files alone: nothing of the repository or its environment is run.

The training environment is the active virtual or conda environment, else the repository's `.venv` (mlver itself may
live in its own), else the interpreter mlver runs on.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.records.values import flatten_values
from mlver.records.version import TrainingEnvironment

# Files that say what else is installed; those present at the repository's top are pinned by digest.
_DESCRIBED_BY = re.compile(
    r"requirements[\w.-]*\.txt|uv\.lock|poetry\.lock|pdm\.lock|pixi\.lock|pylock[\w.-]*\.toml|conda-lock\.yml"
    r"|environment\.ya?ml|Pipfile\.lock|Dockerfile"
)
_HEADER = re.compile(r"^(Name|Version):[ \t]*(\S+)[ \t]*$", re.MULTILINE)
_MOST = 64 << 10
_SEEDS = ("seed", "random_seed", "random_state")


@dataclass(frozen=True, slots=True)
class _PythonInstallation:
    version: str
    libraries: tuple[str, ...]


def capture_environment(
    top: Path, params: Mapping[str, Any], command: str | None, prefix: Path | None = None
) -> TrainingEnvironment:
    """The environment as it is now: that at `prefix` if told. `params` may hold the random seed.

    Raise MlverError when `prefix` is no Python environment.
    """
    python = _require_environment(prefix) if prefix else _find_active_environment(top)
    python = python or _PythonInstallation(
        platform.python_version(), (sysconfig.get_path("purelib"),)
    )
    return TrainingEnvironment(
        python=python.version,
        platform=f"{sys.platform}-{platform.machine()}",
        packages=_list_packages(python.libraries),
        command=command,
        accelerator=_find_accelerator(),
        seed=_find_seed(params),
        files={
            name: _hash_file(top / name)
            for name in sorted(os.listdir(top))
            if _is_requirements_file(top / name)
        },
    )


def _require_environment(prefix: Path) -> _PythonInstallation:
    found = _read_environment(prefix)
    if found is None:
        raise MlverError(
            f"{prefix} is no Python environment", hint="name the folder that holds its pyvenv.cfg"
        )
    return found


def _find_active_environment(top: Path) -> _PythonInstallation | None:
    """The environment the shell has activated, else the repository's own; None where that is the one we run in."""
    told = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    prefix = Path(told) if told else top / ".venv"
    return None if prefix == Path(sys.prefix) else _read_environment(prefix)


def _read_environment(prefix: Path) -> _PythonInstallation | None:
    """An environment told from its own files."""
    libraries = tuple(map(str, sorted(prefix.glob("lib/python3.*/site-packages"))))
    version = _read_python_version(prefix)
    return _PythonInstallation(version, libraries) if libraries and version else None


def _read_python_version(prefix: Path) -> str | None:
    """`version` of a virtual environment's pyvenv.cfg (PEP 405), else conda's record of its Python package."""
    found = re.search(
        r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)",
        _read_beginning(prefix / "pyvenv.cfg"),
        re.MULTILINE,
    )
    if found is None:
        names = sorted(path.name for path in prefix.glob("conda-meta/python-3.*.json"))
        found = re.match(r"python-(\d+\.\d+\.\d+)", names[0]) if names else None
    return found[1] if found else None


def _list_packages(libraries: tuple[str, ...]) -> dict[str, str]:
    """Name and version from the head of each package's metadata (PEP 566); what has neither is passed over."""
    found: dict[str, str] = {}
    for library in libraries:
        for pattern in ("*.dist-info/METADATA", "*.egg-info/PKG-INFO", "*.egg-info"):
            for described in sorted(Path(library).glob(pattern)):
                head = dict(
                    reversed(_HEADER.findall(_read_beginning(described).partition("\n\n")[0]))
                )
                if head.keys() == {"Name", "Version"}:
                    name = re.sub(
                        r"[-_.]+", "-", head["Name"]
                    ).lower()  # names compare as PEP 503 says
                    found.setdefault(name, head["Version"])
    return dict(sorted(found.items()))


def _find_accelerator() -> str | None:
    """The first accelerator the operating system tells of without being asked to run anything."""
    for card in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        named = re.search(r"^Model:\s*(.+)$", _read_beginning(card), re.MULTILINE)
        driver = re.search(
            r"Kernel Module\s+([\d.]+)", _read_beginning(Path("/proc/driver/nvidia/version"))
        )
        return (named[1] if named else "NVIDIA GPU") + (f", driver {driver[1]}" if driver else "")
    for card in sorted(Path("/sys/class/kfd/kfd/topology/nodes").glob("*/name")):
        if _read_beginning(card).strip():
            return f"AMD {_read_beginning(card).strip()}"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "Apple GPU"
    return None


def _find_seed(params: Mapping[str, Any]) -> int | None:
    for key, value in flatten_values(params).items():
        if (
            key.rpartition(".")[2] in _SEEDS
            and isinstance(value, int)
            and not isinstance(value, bool)
        ):
            return value
    return None


def _is_requirements_file(path: Path) -> bool:
    return (
        _DESCRIBED_BY.fullmatch(path.name) is not None and path.is_file() and not path.is_symlink()
    )


def _hash_file(path: Path) -> Digest:
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())


def _read_beginning(path: Path) -> str:
    """The beginning of a file, whatever its bytes; nothing of what is no file, such as a link to an endless device."""
    try:
        if not path.is_file():
            return ""
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MOST)
    except OSError:
        return ""
