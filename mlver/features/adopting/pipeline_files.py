"""The files that DVC's `dvc.yaml` names: parameters and metrics, and what a stage reads.

Format: https://dvc.org/doc/user-guide/project-structure/dvcyaml-files
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlver.document import values
from mlver.errors import InvalidDocument

PIPELINE = "dvc.yaml"
# What a stage runs is code, and what it is told are parameters: neither is data.
_CODE_SUFFIXES = (".py", ".ipynb", ".sh", ".r", ".jl", ".yaml", ".yml", ".toml", ".json", ".lock")


@dataclass(frozen=True, slots=True)
class PipelineFiles:
    """`read` is what the stage that makes the weights reads, apart from code."""

    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    read: tuple[str, ...] = ()


def find_pipeline_files(data: bytes | None, weights: str) -> PipelineFiles:
    """Find the files that a `dvc.yaml` names; one that is not valid names none."""
    if data is None:
        return PipelineFiles()
    try:
        document = values.load_values(".yaml", data, PIPELINE)
    except InvalidDocument:
        return PipelineFiles()
    params = list(_list_paths(document.get("params"), "."))
    metrics = list(_list_paths(document.get("metrics"), "."))
    read: list[str] = []
    stages = document.get("stages")
    if not isinstance(stages, dict):
        stages = {}
    for stage in stages.values():
        if not isinstance(stage, dict):
            continue
        folder = stage.get("wdir")
        if not isinstance(folder, str):
            folder = "."
        metrics += _list_paths(stage.get("metrics"), folder)
        params += _list_param_files(stage.get("params"), folder)
        if any(_covers(output, weights) for output in _list_paths(stage.get("outs"), folder)):
            read += _list_paths(stage.get("deps"), folder)
    data_paths = [path for path in read if not path.lower().endswith(_CODE_SUFFIXES)]
    return PipelineFiles(_keep_distinct(params), _keep_distinct(metrics), tuple(data_paths))


def _covers(output: str, weights: str) -> bool:
    return f"{weights}/".startswith(f"{output}/") or f"{output}/".startswith(f"{weights}/")


def _list_paths(entries: Any, folder: str) -> Iterator[str]:
    """Yield each path of a list; one with options is the only key of a map."""
    if not isinstance(entries, list):
        return
    for entry in entries:
        name = entry
        if isinstance(entry, Mapping) and len(entry) == 1:
            (name,) = entry
        if isinstance(name, str) and name and "\0" not in name:
            path = posixpath.normpath(posixpath.join(folder, name))
            if not path.startswith(("/", "../")) and path != "..":
                yield path


def _list_param_files(entries: Any, folder: str) -> Iterator[str]:
    """Yield the files that a stage takes parameters from: keys without a file are no paths."""
    if not isinstance(entries, list):
        return
    for entry in entries:
        if isinstance(entry, Mapping):
            yield from _list_paths(list(entry), folder)
        elif isinstance(entry, str):
            yield posixpath.normpath(posixpath.join(folder, "params.yaml"))


def _keep_distinct(names: list[str]) -> tuple[str, ...]:
    readable = [name for name in names if name.lower().endswith(values.SUFFIXES)]
    return tuple(dict.fromkeys(readable))
