"""Where a model was trained, read from files alone: no code of that environment is run.

The training environment is the active virtual or conda environment, else the repository's `.venv`,
else the one that mlver runs in. An environment in which there is nothing but mlver, such as that of
pipx or `uv tool`, trained nothing: then no packages are recorded.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.records.values import flatten_values
from mlver.records.version import TrainingEnvironment
from mlver.system.regular import read_regular, reading_regular

# Files that name further software; those at the repository's top are pinned by digest.
_REQUIREMENTS_FILE = re.compile(
    r"requirements[\w.-]*\.txt|uv\.lock|poetry\.lock|pdm\.lock|pixi\.lock|pylock[\w.-]*\.toml"
    r"|conda-lock\.yml|environment\.ya?ml|Pipfile\.lock|Dockerfile"
)
_METADATA_FIELD = re.compile(r"^(Name|Version):[ \t]*(\S+)[ \t]*$", re.MULTILINE)
_REQUIREMENT = re.compile(r"^Requires-Dist:[ \t]*([\w.-]+)([^\n]*)$", re.MULTILINE)
# What pipx and `uv tool` leave in the environments that they make.
_TOOL_FILES = ("pipx_metadata.json", "uv-receipt.toml")
_INSTALLERS = frozenset(("pip", "setuptools", "wheel", "uv"))
_OWN_PACKAGE = "mlver"
NO_ENVIRONMENT = "none found"
_METADATA_FILES = ("*.dist-info/METADATA", "*.egg-info/PKG-INFO", "*.egg-info")
# Behind the version of a package that was installed from a folder here.
LOCAL = " (local)"
_LOCAL_ORIGIN = re.compile(r'"url"\s*:\s*"file:')
# PEP 503: these characters make no difference between two package names
_NAME_SEPARATORS = re.compile(r"[-_.]+")
_CONFIGURED_VERSION = re.compile(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", re.MULTILINE)
_CONDA_VERSION = re.compile(r"python-(\d+\.\d+\.\d+)")
_NVIDIA_MODEL = re.compile(r"^Model:\s*(.+)$", re.MULTILINE)
_NVIDIA_DRIVER = re.compile(r"Kernel Module\s+([\d.]+)")
# Long enough for the fields of any package's metadata, which stand at its beginning.
_BEGINNING = 64 << 10
_SEED_NAMES = ("seed", "random_seed", "random_state")


@dataclass(frozen=True, slots=True)
class _PythonInstallation:
    """A Python, the folders of its packages, and what people call it."""

    version: str
    libraries: tuple[str, ...]
    source: str


def capture_environment(
    top: Path, params: Mapping[str, Any], command: str | None, prefix: Path | None = None
) -> TrainingEnvironment:
    """Describe the environment as it is now, or the one at `prefix`.

    `params` may hold the random seed.

    Raise MlverError when `prefix` is no Python environment.
    """
    python = _find_installation(top, prefix)
    return TrainingEnvironment(
        python=python.version,
        platform=f"{sys.platform}-{platform.machine()}",
        source=python.source,
        packages=_list_packages(python.libraries),
        command=command,
        accelerator=find_accelerator(),
        seed=find_seed(params),
        files=_pin_requirements(top),
    )


def remember(top: Path, start: Path, folder: str | None) -> str | None:
    """Write the folder of an environment as `model.yaml` is to keep it; None for one outside of the
    repository: such a path says where one person's files are, and is wrong on every other machine.
    """
    if not folder:
        return None
    location = Path(os.path.normpath(start / folder))
    return location.relative_to(top).as_posix() if location.is_relative_to(top) else None


def find_remembered(top: Path, folder: str | None) -> Path | None:
    """Find the environment that `model.yaml` names; None where there is none here.

    On another machine it may be elsewhere, and then it is not what the model is trained in.
    """
    if folder is None or _read_environment(top, top / folder) is None:
        return None
    return top / folder


def _find_installation(top: Path, prefix: Path | None) -> _PythonInstallation:
    if prefix is not None:
        return _require_environment(top, prefix)
    active = _find_active_environment(top)
    if active is not None:
        return active
    version = platform.python_version()
    library = sysconfig.get_path("purelib")
    if _is_tool_environment(Path(sys.prefix), library):
        return _PythonInstallation(version, (), NO_ENVIRONMENT)
    return _PythonInstallation(version, (library,), "the Python that runs mlver")


def _is_tool_environment(prefix: Path, library: str) -> bool:
    """Whether an environment holds nothing but mlver, installers and what these need, so that
    nothing can have been trained there.
    """
    required: dict[str, set[str]] = {}
    # what an extra brings may be the only thing that a model was trained with
    with_extras = any((prefix / name).exists() for name in _TOOL_FILES)
    for _, name, head in _read_metadata(library):
        needed = set()
        for requirement, condition in _REQUIREMENT.findall(head):
            if with_extras or "extra" not in condition:
                needed.add(_normalise_name(requirement))
        required.setdefault(name, needed)
    waiting = [_OWN_PACKAGE, *_INSTALLERS]
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(required.get(name, ()))
    return required.keys() <= reached


def _require_environment(top: Path, prefix: Path) -> _PythonInstallation:
    installation = _read_environment(top, prefix)
    if installation is None:
        raise MlverError(
            f"{prefix} is no Python environment; name the folder that holds its pyvenv.cfg",
            hint=shell_command("ls", "-la", "--", prefix),
        )
    return installation


def _find_active_environment(top: Path) -> _PythonInstallation | None:
    """Find the environment that the shell has activated, else the repository's own.

    None where there is none.
    """
    activated = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    prefix = top / ".venv"
    if activated:
        prefix = Path(activated)
    return _read_environment(top, prefix)


def _read_environment(top: Path, prefix: Path) -> _PythonInstallation | None:
    """Read the environment in a folder, as its own files describe it."""
    folders = sorted(prefix.glob("lib/python3.*/site-packages"))
    version = _read_python_version(prefix)
    if not folders or version is None:
        return None
    return _PythonInstallation(version, tuple(map(str, folders)), _name_environment(top, prefix))


def _name_environment(top: Path, prefix: Path) -> str:
    """Name an environment by its kind and folder: the whole path only inside the work tree."""
    kind = "virtualenv"
    if (prefix / "conda-meta").is_dir():
        kind = "conda"
    folder = Path(os.path.normpath(prefix))
    name = folder.name
    if folder.is_relative_to(top):
        name = folder.relative_to(top).as_posix()
    return printable_name(f"{kind} {name}")


def _read_python_version(prefix: Path) -> str | None:
    """Read `version` of a pyvenv.cfg (PEP 405), else that of conda's Python package."""
    configured = _CONFIGURED_VERSION.search(_read_beginning(prefix / "pyvenv.cfg"))
    if configured is not None:
        return configured[1]
    for record in sorted(prefix.glob("conda-meta/python-3.*.json")):
        packaged = _CONDA_VERSION.match(record.name)
        return None if packaged is None else packaged[1]
    return None


def _list_packages(libraries: tuple[str, ...]) -> dict[str, str]:
    """Name and version of each package, from the head of its metadata (PEP 566).

    A package whose metadata lacks either is left out; of two with one name, the first counts. What
    was installed from a folder here is no package that others could get by its name and version.
    """
    packages: dict[str, str] = {}
    for library in libraries:
        for path, name, head in _read_metadata(library):
            version = _read_fields(head)["Version"]
            packages.setdefault(name, f"{version}{LOCAL}" if _is_local(path) else version)
    return dict(sorted(packages.items()))


def _is_local(metadata: Path) -> bool:
    """Whether a package was installed from a folder or file here, as PEP 610 has installers say."""
    return bool(_LOCAL_ORIGIN.search(_read_beginning(metadata.with_name("direct_url.json"))))


def _read_metadata(library: str) -> Iterator[tuple[Path, str, str]]:
    """Yield the metadata of each package in a folder, its name, and the head of the metadata."""
    for pattern in _METADATA_FILES:
        for path in sorted(Path(library).glob(pattern)):
            head, _, _ = _read_beginning(path).partition("\n\n")
            fields = _read_fields(head)
            if fields.keys() == {"Name", "Version"}:
                yield path, _normalise_name(fields["Name"]), head


def _read_fields(head: str) -> dict[str, str]:
    # reversed, so that the first of two equal fields is the one that counts
    return dict(reversed(_METADATA_FIELD.findall(head)))


def _normalise_name(name: str) -> str:
    return _NAME_SEPARATORS.sub("-", name).lower()


def find_accelerator() -> str | None:
    """Find the first accelerator that the operating system lists in its own files."""
    for card in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        return _describe_nvidia(card)
    for node in sorted(Path("/sys/class/kfd/kfd/topology/nodes").glob("*/name")):
        name = _read_beginning(node).strip()
        # a node without a name is a processor
        if name:
            return f"AMD {name}"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "Apple GPU"
    return None


def _describe_nvidia(card: Path) -> str:
    model = _NVIDIA_MODEL.search(_read_beginning(card))
    description = "NVIDIA GPU" if model is None else model[1]
    driver = _NVIDIA_DRIVER.search(_read_beginning(Path("/proc/driver/nvidia/version")))
    if driver is not None:
        description += f", driver {driver[1]}"
    return description


def find_seed(params: Mapping[str, Any]) -> int | None:
    for key, value in flatten_values(params).items():
        name = key.rpartition(".")[2]
        # Python counts True among the integers
        if name in _SEED_NAMES and isinstance(value, int) and not isinstance(value, bool):
            return value
    return None


def _pin_requirements(top: Path) -> dict[str, Digest]:
    """Digest each file at the repository's top that names further software."""
    digests: dict[str, Digest] = {}
    for name in sorted(os.listdir(top)):
        path = top / name
        if _REQUIREMENTS_FILE.fullmatch(name) and path.is_file() and not path.is_symlink():
            digests[name] = _hash_file(path)
    return digests


def _hash_file(path: Path) -> Digest:
    with reading_regular(path) as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())


def _read_beginning(path: Path) -> str:
    """Read the beginning of a file, whatever its bytes; "" where it cannot be read or is no file.

    A link to an endless device is not read.
    """
    try:
        beginning = read_regular(path, _BEGINNING, follow=True)
    except OSError:
        return ""
    return beginning.decode(errors="replace")
