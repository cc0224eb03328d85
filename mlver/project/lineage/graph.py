"""The graph of what versions were made from, and of what was made from them.

An edge leads from what was there first to what came of it: from data, code and parents to a
version, and from a version to its children, evaluations and promotions.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

NodeKind = Literal["version", "data", "code", "evaluation", "promotion"]
Relation = Literal["parent", "mixed", "uses", "data", "holds", "code", "evaluation", "promotion"]
Way = Literal["up", "down", "beside"]

EVERYTHING = sys.maxsize
_VERSION = "version:"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageNode:
    """`id` is the node's name in the graph, `name` and `detail` what people read.

    `digest` is that of a record or of data, None for code. `stages` are those that a version holds.
    `remarks` say what speaks against a node: that it is retired, missing or unsealed.
    """

    id: str
    kind: NodeKind
    name: str
    detail: str = ""
    digest: str | None = None
    created: str | None = None
    stages: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """`origin` and `result` are ids of nodes; `name` is what the result calls a data set."""

    origin: str
    result: str
    relation: Relation
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEdge:
    """An edge, and the way from the root on which it was met.

    `up` is towards what the root was made from, `down` towards what was made from it, and `beside`
    leads to others that share its data.
    """

    origin: str
    result: str
    relation: Relation
    name: str
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageReach:
    """How many versions far a lineage goes each way; None: not that way at all."""

    up: int | None
    down: int | None


@dataclass(frozen=True, slots=True)
class LineageSelection:
    """The edges within reach, and how many versions lie beyond it each way."""

    edges: tuple[ShownEdge, ...]
    hidden_up: int = 0
    hidden_down: int = 0


_EdgeIndex: TypeAlias = Mapping[str, Sequence[LineageEdge]]


def name_version(model: str, version: str) -> str:
    return f"{_VERSION}{model}@{version}"


def is_version(node: str) -> bool:
    return node.startswith(_VERSION)


def split_version(node: str) -> tuple[str, str]:
    """The model and the number of a version's node."""
    model, _, version = node.removeprefix(_VERSION).partition("@")
    return model, version


def select_lineage(
    edges: Iterable[LineageEdge], root: str, reach: LineageReach
) -> LineageSelection:
    """Select what lies within reach of `root`.

    What was met upwards is shown with its data and code, and the children with nothing else. Where
    both ways are asked for, the others that share the root's data are shown as well.
    """
    by_result: dict[str, list[LineageEdge]] = {}
    by_origin: dict[str, list[LineageEdge]] = {}
    for edge in edges:
        by_result.setdefault(edge.result, []).append(edge)
        by_origin.setdefault(edge.origin, []).append(edge)
    shown: dict[ShownEdge, None] = {}
    hidden_up, hidden_down = 0, 0
    if reach.up is not None:
        found, hidden_up = _walk(by_result, root, "up", reach.up)
        shown.update(dict.fromkeys(found))
    if reach.down is not None:
        found, hidden_down = _walk(by_origin, root, "down", reach.down)
        shown.update(dict.fromkeys(found))
    if reach.up is not None and reach.down is not None:
        met = {(edge.origin, edge.result) for edge in shown}
        for beside in _list_beside(by_result, by_origin, root):
            if (beside.origin, beside.result) not in met:
                shown[beside] = None
    return LineageSelection(tuple(shown), hidden_up, hidden_down)


def _walk(index: _EdgeIndex, root: str, way: Way, limit: int) -> tuple[list[ShownEdge], int]:
    """Walk from `root` one way; return the edges within the limit, and the versions behind it.

    Only a step from version to version counts.
    """
    distances = _measure_distances(index, root, way)
    found: list[ShownEdge] = []
    for node, distance in distances.items():
        if distance > limit:
            continue
        for edge in index.get(node, ()):
            other = edge.origin if way == "up" else edge.result
            if distances[other] <= limit:
                found.append(_show(edge, way))
    hidden = sum(is_version(node) for node, distance in distances.items() if distance > limit)
    return found, hidden


def _measure_distances(index: _EdgeIndex, root: str, way: Way) -> dict[str, int]:
    """How many versions far each node is that can be reached, the nearest first."""
    distances = {root: 0}
    waiting = deque([root])
    while waiting:
        node = waiting.popleft()
        for edge in index.get(node, ()):
            other = edge.origin if way == "up" else edge.result
            step = _count_step(edge)
            if distances[node] + step >= distances.get(other, EVERYTHING):
                continue
            distances[other] = distances[node] + step
            # What costs no step is looked at first, so that few distances are found twice.
            if step:
                waiting.append(other)
            else:
                waiting.appendleft(other)
    return dict(sorted(distances.items(), key=lambda item: item[1]))


def _count_step(edge: LineageEdge) -> int:
    return int(is_version(edge.origin) and is_version(edge.result))


def _list_beside(by_result: _EdgeIndex, by_origin: _EdgeIndex, root: str) -> list[ShownEdge]:
    """List the other users of the data that the root was trained on."""
    found: list[ShownEdge] = []
    for own in by_result.get(root, ()):
        if own.relation != "data":
            continue
        for edge in by_origin.get(own.origin, ()):
            if edge.result != root and edge.relation == "data":
                found.append(_show(edge, "beside"))
    return found


def _show(edge: LineageEdge, way: Way) -> ShownEdge:
    return ShownEdge(
        origin=edge.origin, result=edge.result, relation=edge.relation, name=edge.name, way=way
    )


def list_nodes(root: str, edges: Iterable[ShownEdge]) -> list[str]:
    """List the nodes of these edges, the root first, each once."""
    nodes = {root: None}
    for edge in edges:
        nodes[edge.origin] = None
        nodes[edge.result] = None
    return list(nodes)
