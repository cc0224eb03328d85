"""Tensors put together by their names: `encoder.layer.0` to `encoder.layer.5`, `pooler`."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class LayerName:
    """The group of a tensor. `number` is that of a layer, None for what is no numbered layer.

    `prefix` is the name without that number.
    """

    prefix: str
    number: int | None = None

    def __str__(self) -> str:
        if self.number is None:
            return self.prefix
        return f"{self.prefix}.{self.number}" if self.prefix else str(self.number)


def split_name(name: str) -> list[str]:
    """Split the name of a tensor into its parts, as frameworks write them."""
    for separator in (".", "/", "::"):
        if separator in name:
            return name.split(separator)
    return [name]


def find_layer(name: str, wrappers: Container[str] = ()) -> LayerName:
    """The numbered layer a tensor is of, else the part of the model: the first part of its name.

    Where that is one of the `wrappers`, which hold the whole model, it is the first two.
    """
    parts = split_name(name)
    number = _find_number(parts)
    if number is not None:
        return LayerName(".".join(parts[:number]), int(parts[number]))
    if parts[0] in wrappers and len(parts) > 2:
        return LayerName(".".join(parts[:2]))
    return LayerName(parts[0])


def find_wrappers(names: Iterable[str]) -> frozenset[str]:
    """What stands before the names of layers, and of all else: `model` in `model.layers.0.…`."""
    firsts: set[str] = set()
    wrappers: set[str] = set()
    for name in names:
        parts = split_name(name)
        firsts.add(parts[0])
        number = _find_number(parts)
        if number is not None and number > 0:
            wrappers.add(parts[0])
    return frozenset(wrappers | firsts if len(firsts) == 1 else wrappers)


def _find_number(parts: Sequence[str]) -> int | None:
    """Where the number of a layer stands: the last part is the name of a parameter."""
    for position, part in enumerate(parts[:-1]):
        if part.isascii() and part.isdecimal() and len(part) < 6:
            return position
    return None


def cut_name(name: str, depth: int) -> str:
    """The first parts of a name, so many of them."""
    return ".".join(split_name(name)[:depth])


def cut_layer(name: str) -> str:
    """The name of a tensor inside of its numbered layer, which is left out."""
    parts = split_name(name)
    number = _find_number(parts)
    return name if number is None else ".".join(parts[number + 1 :])


def group_layers(items: Iterable[tuple[str, Item]]) -> list[tuple[LayerName, list[Item]]]:
    """Put items together by the layer of their names, in the order of the names."""
    named = list(items)
    wrappers = find_wrappers(name for name, _ in named)
    groups: dict[LayerName, list[Item]] = {}
    for name, item in named:
        groups.setdefault(find_layer(name, wrappers), []).append(item)
    return sorted(groups.items(), key=lambda group: _order_layer(group[0]))


def _order_layer(layer: LayerName) -> tuple[str, int]:
    return layer.prefix, -1 if layer.number is None else layer.number


def join_layers(layers: Sequence[LayerName]) -> list[tuple[str, list[LayerName]]]:
    """Name runs of numbered layers as one: `encoder.layer.0…5`."""
    runs: list[list[LayerName]] = []
    for layer in layers:
        if runs and _follows(runs[-1][-1], layer):
            runs[-1].append(layer)
        else:
            runs.append([layer])
    named: list[tuple[str, list[LayerName]]] = []
    for run in runs:
        title = str(run[0])
        if len(run) > 1:
            title = f"{title}…{run[-1].number}"
        named.append((title, run))
    return named


def _follows(before: LayerName, layer: LayerName) -> bool:
    if before.number is None or layer.number is None:
        return False
    return before.prefix == layer.prefix and layer.number == before.number + 1
