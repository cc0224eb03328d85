"""What a Python program gives to have a training recorded."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias, TypedDict

from mlver import argument_types
from mlver.document.objects import copy_plain
from mlver.names import find_similar
from mlver.project.runs.request import RunRequest

StrPath: TypeAlias = str | os.PathLike[str]
_TEXTS = ("message", "pipeline", "step", "batch")
_PATHS = ("weights",)
_LISTS = ("params_files", "metrics_files")
_MAPS = ("params", "data", "labels")


class RunOptions(TypedDict, total=False):
    """Paths are relative to the folder that the registry was opened with; `weights` is where the
    training writes them.

    `params` is a map, which may be nested, and replaces values of the same name in `params_files`.
    Whatever is left out comes from `model.yaml`. `diff=False` leaves uncommitted changes of the
    code out of the record.
    """

    message: str
    weights: StrPath
    params: Mapping[str, object]
    params_files: Sequence[StrPath]
    metrics_files: Sequence[StrPath]
    data: Mapping[str, StrPath]
    labels: Mapping[str, str]
    pipeline: str
    step: str
    batch: str
    diff: bool


def build_run_request(model: str | None, options: RunOptions) -> RunRequest:
    """The same as `mlver run` asks for.

    Raise TypeError for an option that there is not or that is of a wrong type, and InvalidDocument
    for a value that no record can hold.
    """
    unknown = sorted(options.keys() - RunOptions.__annotations__.keys())
    if unknown:
        meant = find_similar(unknown[0], RunOptions.__annotations__)
        proposal = f"; did you mean {meant}?" if meant else ""
        raise TypeError(f"run() has no option {', '.join(unknown)}{proposal}")
    argument_types.require_optional_texts("run", model=model)
    _require_types(options)
    weights = options.get("weights")
    return RunRequest(
        model=model,
        command=describe_script(),
        message=options.get("message", ""),
        weights=None if weights is None else os.fspath(weights),
        params_files=_list_paths(options.get("params_files", ())),
        metrics_files=_list_paths(options.get("metrics_files", ())),
        param_values=copy_plain(options.get("params", {}), "params of the run"),
        data={name: os.fspath(path) for name, path in options.get("data", {}).items()},
        labels=dict(options.get("labels", {})),
        environment=sys.prefix if sys.prefix != sys.base_prefix else None,
        pipeline=options.get("pipeline"),
        step=options.get("step"),
        batch=options.get("batch"),
        keeps_diff=options.get("diff", True),
    )


def describe_script() -> str | None:
    """The command line of the script that runs, without folders above; None for a notebook."""
    script = Path(sys.argv[0]) if sys.argv and sys.argv[0] not in ("", "-c", "-m") else None
    if script is None or script.suffix != ".py" or "ipykernel" in script.parts[-2:-1]:
        return None
    try:
        name = os.fspath(script.resolve().relative_to(Path.cwd()))
    except ValueError:
        name = script.name
    return shlex.join(["python", name, *sys.argv[1:]])


def _require_types(options: Mapping[str, object]) -> None:
    for name in _MAPS:
        given = options.get(name, {})
        if not isinstance(given, Mapping):
            raise TypeError(f"{name} of run() takes a dict, not {given!r:.80}")
        if name == "data":
            argument_types.require_path_map("run", name, given)
        elif name == "labels":
            argument_types.require_text_map("run", name, given)
    for name in _TEXTS:
        argument_types.require_optional_texts("run", **{name: options.get(name)})
    for name in _LISTS:
        argument_types.require_words("run", name, options.get(name, ()))


def _list_paths(given: Sequence[StrPath]) -> list[str]:
    # One path is a sequence as well, of letters.
    if isinstance(given, str | os.PathLike):
        return [os.fspath(given)]
    return [os.fspath(path) for path in given]
