"""How the environment of a version is made again, the surest way first.

`uv.lock`, `pylock.toml` and requirements with hashes pin every byte, as the version's commit has
them; the recorded package list pins names and versions only, which proves less.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name
from mlver.project.project import Project
from mlver.project.reproducing.request import RecipePart
from mlver.project.worktree.environment import LOCAL, capture_environment
from mlver.records.version import TrainingEnvironment, VersionRecord
from mlver.system.running import RunCommand, run_command

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")
_PYLOCK = re.compile(r"pylock[\w.-]*\.toml")
_REQUIREMENTS = re.compile(r"requirements[\w.-]*\.txt")
_LOCK = re.compile(
    r"requirements[\w.-]*\.txt|pylock[\w.-]*\.toml|(?:uv|poetry|pdm|pixi)\.lock|Pipfile\.lock"
    r"|conda-lock\.yml"
)
_STANDARD_ERROR = 2
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")


@dataclass(frozen=True, slots=True)
class EnvironmentRecipe:
    """`source` is what the environment is made from; `weaker` says in what it proves less.

    `list_steps` gives the commands, for the folder with the code and that of the environment; it is
    None where the environment is used as it is, which lies in `folder` (None: mlver's own Python).
    """

    source: str
    weaker: str | None = None
    list_steps: Callable[[Path, Path], Iterator[tuple[str, ...]]] | None = None
    folder: Path | None = None

    def describe(self) -> RecipePart:
        told = self.source if self.weaker is None else f"{self.source}: {self.weaker}"
        return RecipePart(
            name="environment", state="present" if self.weaker is None else "weaker", told=told
        )

    def build(self, code: Path, folder: Path, keep_open: tuple[int, ...] = ()) -> Path | None:
        """Make the environment in a folder; return where it lies. Raise MlverError where a step
        fails.
        """
        if self.list_steps is None:
            return self.folder
        variables = {**build_variables(None), "UV_PROJECT_ENVIRONMENT": os.fspath(folder)}
        for words in self.list_steps(code, folder):
            command = RunCommand(
                words=words,
                folder=code,
                environment=variables,
                output=_STANDARD_ERROR,
                keep_open=keep_open,
            )
            run = run_command(command)
            if run.code:
                raise MlverError(
                    f"the environment cannot be made again from {self.source}:"
                    f" `{printable_name(' '.join(words[:6]))} …` ended with {run.code}",
                    hint="mlver reproduce --help",
                )
        return folder


def build_variables(folder: Path | None) -> dict[str, str]:
    """Build the variables of a command that is to find the Python of an environment first."""
    variables = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
    }
    # Without it, sets of text come in another order each time.
    variables.setdefault("PYTHONHASHSEED", "0")
    programs = Path(sys.executable).parent if folder is None else folder / "bin"
    variables["PATH"] = os.pathsep.join([os.fspath(programs), variables.get("PATH", os.defpath)])
    if folder is not None:
        variables["VIRTUAL_ENV"] = os.fspath(folder)
    return variables


def choose_recipe(project: Project, record: VersionRecord, given: str | None) -> EnvironmentRecipe:
    """Choose the surest way that can be gone here."""
    if given is not None:
        folder = project.start / given
        # It is refused here, and not after a long training.
        capture_environment(project.top_folder, {}, None, folder)
        return EnvironmentRecipe(given, "used as it is; differing packages are named", None, folder)
    environment = record.environment
    if environment is None:
        return EnvironmentRecipe("the Python that runs mlver", "no environment is recorded")
    python = _find_python(environment.python)
    files = list_committed(project, record, environment)
    uv = shutil.which("uv")
    locked = _choose_locked(files, python, uv)
    if locked is not None:
        return locked
    if not environment.packages:
        return EnvironmentRecipe("the Python that runs mlver", "no packages are recorded")
    return _choose_packages(environment.packages, python, uv)


def _find_python(version: str) -> str:
    """Find a Python of the recorded minor version; else the one that runs mlver."""
    minor = ".".join(version.split(".")[:2])
    return shutil.which(f"python{minor}") or sys.executable


def list_committed(
    project: Project, record: VersionRecord, environment: TrainingEnvironment
) -> Mapping[str, bytes]:
    """Read the files that describe the environment, where the commit has what was recorded."""
    paths = list(environment.files)
    contents = project.repository.blobs(f"{record.code.commit}:{path}" for path in paths)
    found: dict[str, bytes] = {}
    for path, data in zip(paths, contents, strict=True):
        if data is not None and Digest.of_bytes(data) == environment.files[path]:
            found[path] = data
    return found


def survey_lock(project: Project, record: VersionRecord) -> RecipePart:
    """Say which file with hashes pins every byte of the environment, or why none does."""
    name = "lock file"
    recorded = () if record.environment is None else tuple(record.environment.files)
    locks = [path for path in recorded if _LOCK.fullmatch(path)]
    if not locks:
        return RecipePart.weaker(name, "none is recorded")
    assert record.environment is not None
    committed = list_committed(project, record, record.environment)
    lacking = [path for path in locks if path not in committed]
    if lacking:
        told = f"{printable_name(lacking[0])} is not in the commit as it was recorded"
        return RecipePart.weaker(name, told)
    usable = [path for path in locks if _is_usable(path, committed[path])]
    if not usable:
        told = f"mlver makes no environment from {printable_name(locks[0])}: use --environment DIR"
        return RecipePart.weaker(name, told)
    if not _REQUIREMENTS.fullmatch(usable[0]) and shutil.which("uv") is None:
        return RecipePart.weaker(name, f"{usable[0]} needs uv, which is not installed here")
    return RecipePart.present(name, printable_name(usable[0]))


def _is_usable(path: str, data: bytes) -> bool:
    if _REQUIREMENTS.fullmatch(path):
        return b"--hash=" in data
    return path == "uv.lock" or _PYLOCK.fullmatch(path) is not None


def _choose_locked(
    files: Mapping[str, bytes], python: str, uv: str | None
) -> EnvironmentRecipe | None:
    if uv is not None and "uv.lock" in files:
        words = (uv, "sync", "--frozen", "--no-dev", "--quiet", "--python", python)
        return EnvironmentRecipe("uv.lock", None, lambda code, folder: iter([words]))
    for path in sorted(files):
        if uv is not None and _PYLOCK.fullmatch(path):
            return EnvironmentRecipe(path, None, _plan_uv(uv, python, ("sync",), path))
        if _REQUIREMENTS.fullmatch(path) and b"--hash=" in files[path]:
            how = ("--require-hashes", "-r", path)
            return EnvironmentRecipe(path, None, _plan_installing(uv, python, how))
    return None


def _plan_uv(
    uv: str, python: str, verb: tuple[str, ...], *how: str
) -> Callable[[Path, Path], Iterator[tuple[str, ...]]]:
    def list_steps(code: Path, folder: Path) -> Iterator[tuple[str, ...]]:
        yield (uv, "venv", "--quiet", "--python", python, os.fspath(folder))
        own = os.fspath(folder / "bin/python")
        yield (uv, "pip", *verb, "--quiet", "--python", own, *how)

    return list_steps


def _plan_installing(
    uv: str | None, python: str, how: tuple[str, ...]
) -> Callable[[Path, Path], Iterator[tuple[str, ...]]]:
    """Plan a virtual environment, and what pip, or uv where it is here, installs there."""
    if uv is not None:
        return _plan_uv(uv, python, ("install",), *how)

    def list_steps(code: Path, folder: Path) -> Iterator[tuple[str, ...]]:
        yield (python, "-m", "venv", os.fspath(folder))
        yield (os.fspath(folder / "bin/python"), *_PIP, *how)

    return list_steps


def list_local(packages: Mapping[str, str]) -> list[str]:
    """List the packages that came from a folder, whose names may be somebody else's elsewhere."""
    return [printable_name(name) for name, version in packages.items() if version.endswith(LOCAL)]


def pin_packages(packages: Mapping[str, str]) -> list[str]:
    """Write packages as pip takes them, without those that came from a folder.

    Raise MlverError for what could be more than a name and a version to pip: an option, or an
    address.
    """
    pinned: list[str] = []
    for name, version in packages.items():
        if version.endswith(LOCAL):
            continue
        if not (_NAME.fullmatch(name) and _VERSION.fullmatch(version)):
            raise MlverError(
                f"the recorded package {printable_name(name)} {printable_name(version)} cannot be"
                " installed by its name and version; make an environment, and give --environment",
                hint="mlver reproduce --help",
            )
        pinned.append(f"{name}=={version}")
    return pinned


def _choose_packages(packages: Mapping[str, str], python: str, uv: str | None) -> EnvironmentRecipe:
    pinned = pin_packages(packages)
    # All that was installed is listed, so nothing needs to be looked for.
    how = ("--no-deps", *pinned)
    reason = "no lock file with hashes, so their bytes may be others"
    local = list_local(packages)
    if local:
        reason += f"; without {', '.join(local)}, installed from a folder then"
    return EnvironmentRecipe(
        f"{len(pinned):,} packages by name and version",
        reason,
        _plan_installing(uv, python, how),
    )
