"""How far a project's schema expands: a bound on the work of judging, known before anything is
judged.

References multiply: of forty definitions that each refer twice to the next, the last is applied
2^39 times. So the keywords that can meet at one place of a document are counted beforehand, each
schema once for each level of depth. A definition that refers to itself further down the document is
bounded by the depth that a document may have; one that refers to itself at the same place would
never end, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlver.document.faults import MAX_DEPTH, Path

Weigh = Callable[[str, Any], int]
Part = tuple[Path, Any]

DEFINITIONS = "#/$defs/"

# Keywords that hold one schema, or many, for the very place they stand at.
_SAME_PLACE = ("not", "if", "then", "else")
_SAME_PLACE_MANY = ("allOf", "anyOf", "oneOf", "dependentSchemas")
# The same for the places one level below. One place meets one schema of the first two rows at most:
# it has one key.
_BELOW = ("additionalProperties", "items")
_BELOW_MANY = ("properties", "prefixItems")
_BELOW_BESIDE = ("contains", "propertyNames")


class ExpansionRefused(ValueError):
    """The schema expands too far, or without end; `path` is where in the schema."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(reason)
        self.path = path


@dataclass(slots=True)
class SchemaNode:
    """One schema of a project's schema, and the numbers of the nodes that it applies.

    `same_place` are applied to the very place of a document that this node is applied to. Of
    `below`, each place one level further down meets one at most; it meets all of `beside`.
    """

    schema: Any
    path: Path
    same_place: list[int] = field(default_factory=list)
    below: list[int] = field(default_factory=list)
    beside: list[int] = field(default_factory=list)

    @property
    def applies_others(self) -> bool:
        return bool(self.same_place or self.below or self.beside)


@dataclass(frozen=True, slots=True)
class SchemaGraph:
    """The nodes of a schema, `root` for the whole.

    `order` has each node behind all of its `same_place`; `branches` are those that apply others, in
    the same order.
    """

    nodes: Sequence[SchemaNode]
    root: int
    order: Sequence[int]
    branches: Sequence[int]


@dataclass(frozen=True, slots=True)
class ExpansionCount:
    """The most of something that can meet at one place, and how many nodes were visited for it."""

    most: int
    steps: int


def build_graph(schema: dict[str, Any], definitions: dict[str, Any]) -> SchemaGraph:
    """Build the graph of a schema and its definitions.

    Raise ExpansionRefused where a schema applies itself to the place that it is applied to.
    """
    nodes: list[SchemaNode] = []
    numbers: dict[str, int] = {}
    for name, definition in definitions.items():
        numbers[name] = len(nodes)
        nodes.append(SchemaNode(definition, ("$defs", name)))
    root = len(nodes)
    nodes.append(SchemaNode(schema, ()))
    # The list grows in the loop: the parts of a schema are nodes behind it.
    for node in nodes:
        if not isinstance(node.schema, dict):
            continue
        if "$ref" in node.schema:
            name = node.schema["$ref"].removeprefix(DEFINITIONS)
            node.same_place.append(numbers[name])
        for part_path, part in _list_parts(node.schema, _SAME_PLACE, _SAME_PLACE_MANY):
            node.same_place.append(len(nodes))
            nodes.append(SchemaNode(part, node.path + part_path))
        for part_path, part in _list_parts(node.schema, _BELOW, _BELOW_MANY):
            node.below.append(len(nodes))
            nodes.append(SchemaNode(part, node.path + part_path))
        for part_path, part in _list_parts(node.schema, _BELOW_BESIDE, ()):
            node.beside.append(len(nodes))
            nodes.append(SchemaNode(part, node.path + part_path))
    order = _sort_nodes(nodes)
    branches = [number for number in order if nodes[number].applies_others]
    return SchemaGraph(nodes, root, order, branches)


def _list_parts(
    schema: dict[str, Any], single: tuple[str, ...], several: tuple[str, ...]
) -> Iterator[Part]:
    """Yield the schemas that these keywords of a schema hold, each with its path."""
    for keyword in single:
        if keyword in schema:
            yield (keyword,), schema[keyword]
    for keyword in several:
        group = schema.get(keyword, ())
        members = group.items() if isinstance(group, dict) else enumerate(group)
        for name, inner in members:
            yield (keyword, name), inner


def _sort_nodes(nodes: Sequence[SchemaNode]) -> list[int]:
    """List the nodes so that each comes behind those that it applies to its own place.

    Raise ExpansionRefused where that leads back to the node itself.
    """
    order: list[int] = []
    entered: set[int] = set()
    finished: set[int] = set()
    for start in range(len(nodes)):
        if start in entered:
            continue
        entered.add(start)
        # A list instead of recursion: a chain of references may be longer than Python's stack.
        walk = [(start, iter(nodes[start].same_place))]
        while walk:
            number, children = walk[-1]
            child = next(children, None)
            if child is None:
                walk.pop()
                finished.add(number)
                order.append(number)
            elif child not in entered:
                entered.add(child)
                walk.append((child, iter(nodes[child].same_place)))
            elif child not in finished:
                reason = "it refers to itself without going down, which would never end"
                raise ExpansionRefused(nodes[child].path, reason)
    return order


def count_expansion(graph: SchemaGraph, weigh: Weigh, limit: int, things: str) -> ExpansionCount:
    """Count the most of what `weigh` says of each keyword that can meet at one place.

    Raise ExpansionRefused where that is more than `limit` `things`.
    """
    # The counts of one depth: how many meet, for each node, at a place that lies so many levels
    # below the one that the node is applied to. Those of a depth need only those of the one before.
    counts = [0] * len(graph.nodes)
    visited = graph.order
    most = 0
    steps = 0
    for depth in range(MAX_DEPTH + 1):
        previous_counts = counts
        counts = [0] * len(graph.nodes)
        for number in visited:
            node = graph.nodes[number]
            if depth == 0:
                count = _weigh_node(node, weigh)
            else:
                count = _count_one_level_down(node, previous_counts)
            for part in node.same_place:
                count += counts[part]
            if count > limit:
                reason = f"more than {limit:,} {things} meet at one place of a document"
                raise ExpansionRefused(node.path, reason)
            counts[number] = count
        steps += len(visited)
        most = max(most, counts[graph.root])
        # Nothing lies deeper, or all deeper levels are like this one.
        if counts[graph.root] == 0 or counts == previous_counts:
            break
        # A schema without parts says nothing of the levels below.
        visited = graph.branches
    return ExpansionCount(most, steps)


def _weigh_node(node: SchemaNode, weigh: Weigh) -> int:
    # `true` and `false` are judged like a keyword; a map is judged even where it is empty.
    weight = 1
    if isinstance(node.schema, dict):
        for keyword, value in node.schema.items():
            weight += weigh(keyword, value)
    return weight


def _count_one_level_down(node: SchemaNode, counts: Sequence[int]) -> int:
    count = 0
    for part in node.below:
        count = max(count, counts[part])
    for part in node.beside:
        count += counts[part]
    return count
