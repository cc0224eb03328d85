"""What kind of model a version is, as what was kept of its tensors tells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.errors import MlverError, summarise_error
from mlver.policy.weights.groups import cut_layer, group_layers, join_layers
from mlver.project.artifacts.kept_tensors import read_kept_tensors
from mlver.project.project import Project
from mlver.records.tensors import KeptTensor, KeptTensors, count_values
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelPart:
    """Tensors whose names begin alike. `layers` counts those of a run of layers, which is one part.

    `largest` is the name of the tensor with most values, and `shape` its shape.
    """

    name: str
    layers: int
    tensors: int
    values: int
    largest: str
    shape: tuple[int, ...]

    @property
    def inner_name(self) -> str:
        """The name of that tensor behind the one of the part, which begins it."""
        if self.layers:
            return cut_layer(self.largest)
        return self.largest.removeprefix(f"{self.name}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """The tensors of a version's weights. `dtypes` counts the values of each type of elements.

    `imports` are what unpickling the files would load: a list, not a verdict.
    """

    formats: tuple[str, ...]
    tensors: int
    values: int
    dtypes: Mapping[str, int]
    parts: tuple[ModelPart, ...]
    imports: tuple[str, ...]


def read_architecture(project: Project, record: VersionRecord) -> Architecture | None:
    """Read what a version pins of its tensors; None where that is nothing, or not readable."""
    kept: list[KeptTensors] = []
    for kept_name in record.kept.tensors:
        try:
            found = read_kept_tensors(project, record, kept_name)
        except MlverError as error:
            project.reporter.show_note(summarise_error(error))
            return None
        if found is not None:
            kept.append(found)
    tensors = [tensor for file in kept for tensor in file.tensors]
    if not tensors:
        return None
    dtypes: dict[str, int] = {}
    for tensor in tensors:
        dtypes[tensor.dtype] = dtypes.get(tensor.dtype, 0) + math.prod(tensor.shape)
    return Architecture(
        formats=tuple(dict.fromkeys(file.format for file in kept)),
        tensors=len(tensors),
        values=count_values(tensors),
        dtypes=dict(sorted(dtypes.items(), key=lambda item: -item[1])),
        parts=tuple(_list_parts(tensors)),
        imports=tuple(dict.fromkeys(name for file in kept for name in file.imports)),
    )


def _list_parts(tensors: Sequence[KeptTensor]) -> list[ModelPart]:
    groups = group_layers((tensor.name, tensor) for tensor in tensors)
    members = dict(groups)
    parts: list[ModelPart] = []
    for title, run in join_layers([layer for layer, _ in groups]):
        own = [tensor for layer in run for tensor in members[layer]]
        largest = max(own, key=lambda tensor: math.prod(tensor.shape))
        parts.append(
            ModelPart(
                name=title,
                layers=len(run) if run[0].number is not None else 0,
                tensors=len(own),
                values=count_values(own),
                largest=largest.name,
                shape=largest.shape,
            )
        )
    return parts
