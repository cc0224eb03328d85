"""Where a version is trained again, and what of that is otherwise than it was."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlver.errors import MlverError, printable_name
from mlver.project.project import Project
from mlver.project.reproducing.recipes import EnvironmentRecipe, build_variables
from mlver.project.worktree import value_files
from mlver.project.worktree.environment import capture_environment
from mlver.project.worktree.value_files import ValueSource
from mlver.records.reproduction import DifferingInput, ReproductionEnvironment
from mlver.records.values import flatten_values, is_same_value
from mlver.records.version import TrainingEnvironment, VersionRecord
from mlver.system.machine import describe_machine
from mlver.system.running import RunCommand, run_command

# Asks the libraries of the environment themselves; without numpy it says nothing. The wheels of
# numpy tell their kernel without threadpoolctl as well.
_PROBE = """
import ctypes, json, pathlib
found = []
try:
    import numpy
    from threadpoolctl import threadpool_info
    found = [" ".join(str(info[key]) for key in ("internal_api", "version", "architecture")
             if info.get(key)) for info in threadpool_info() if info.get("user_api") == "blas"]
except Exception:
    pass
try:
    if not found:
        for path in pathlib.Path(numpy.__file__).parents[1].glob("numpy.libs/libscipy_openblas*"):
            library = ctypes.CDLL(str(path))
            for ending in ("64_", ""):
                ask = getattr(library, "scipy_openblas_get_corename" + ending, None)
                if ask is not None:
                    ask.restype = ctypes.c_char_p
                    found.append("openblas " + ask().decode())
except Exception:
    pass
print(json.dumps(sorted(set(found))))
"""
_PROBE_SECONDS = 60.0
_MOST_READ = 64 << 10
_MOST_LISTED = 50


def describe_surroundings(
    recipe: EnvironmentRecipe, captured: TrainingEnvironment, folder: Path | None, scratch: Path
) -> ReproductionEnvironment:
    return ReproductionEnvironment(
        source=printable_name(recipe.source),
        python=captured.python,
        platform=captured.platform,
        processor=describe_machine().processor,
        blas=_probe_blas(folder, scratch),
        accelerator=captured.accelerator,
    )


def _probe_blas(folder: Path | None, scratch: Path) -> str | None:
    """Ask the environment which kernels its libraries of linear algebra chose."""
    python = sys.executable if folder is None else os.fspath(folder / "bin/python")
    answer = scratch / "blas.json"
    try:
        with answer.open("wb") as output:
            command = RunCommand(
                words=(python, "-I", "-c", _PROBE),
                folder=scratch,
                environment=build_variables(folder),
                output=output,
                timeout=_PROBE_SECONDS,
            )
            run_command(command)
        found = json.loads(answer.read_bytes()[:_MOST_READ])
    except (MlverError, OSError, ValueError):
        return None
    listed = [printable_name(str(item)) for item in found] if isinstance(found, list) else []
    return ", ".join(listed)[:1000] or None


def list_differing_inputs(
    record: VersionRecord, captured: TrainingEnvironment, params: Mapping[str, object]
) -> list[DifferingInput]:
    """List what was recorded and is otherwise now: Python, platform, packages, params."""
    found = list(_compare_params(record, params))
    environment = record.environment
    if environment is None:
        return found
    pairs = (
        ("python", environment.python, captured.python),
        ("platform", environment.platform, captured.platform),
    )
    for name, recorded, now in pairs:
        if recorded != now:
            found.append(DifferingInput(name=name, recorded=recorded, found=now))
    for name, recorded in environment.packages.items():
        installed = captured.packages.get(name)
        if installed != recorded:
            line = DifferingInput(
                name=f"package {printable_name(name)}",
                recorded=printable_name(recorded) or None,
                found=None if installed is None else printable_name(installed) or None,
            )
            found.append(line)
    return found[:_MOST_LISTED]


def _compare_params(
    record: VersionRecord, params: Mapping[str, object]
) -> Iterator[DifferingInput]:
    recorded = flatten_values(record.params)
    for name, value in flatten_values(params).items():
        if name in recorded and not is_same_value(recorded[name], value):
            yield DifferingInput(
                name=f"params {printable_name(name)}"[:200],
                recorded=_show_value(recorded[name]),
                found=_show_value(value),
            )


def _show_value(value: object) -> str | None:
    return printable_name(json.dumps(value, ensure_ascii=False))[:200] or None


def read_params(project: Project, record: VersionRecord, code: Path) -> Mapping[str, object]:
    """Read the params files of a version's commit; none where there are none to be read."""
    try:
        settings = project.registry.read_settings(record.model)
        if settings is None:
            return {}
        source = ValueSource(settings.params, settings.param_keys, "--param-key")
        values, _ = value_files.gather_replaced(code, source, (), {})
    except MlverError:
        return {}
    return values


def capture_made(code: Path, folder: Path | None) -> TrainingEnvironment:
    """Describe the environment that was made; without one, that in which mlver runs."""
    if folder is None:
        # Only what is installed counts: an activated environment is not what runs the command.
        folder = Path(sys.prefix) if sys.prefix != sys.base_prefix else None
    return capture_environment(code, {}, None, folder)
