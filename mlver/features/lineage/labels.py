"""What a node says where a program draws the graph."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.project.lineage.graph import LineageNode
from mlver.terminal.sanitise import printable_name
from mlver.terminal.words import shorten_digest

_LONGEST = 60
_COMMIT = 10


def name_nodes(nodes: Sequence[LineageNode]) -> dict[str, str]:
    """A name for each node by its id, into which no text of others can reach."""
    return {node.id: f"n{number}" for number, node in enumerate(nodes, start=1)}


def label_node(node: LineageNode) -> list[str]:
    """The lines of a node's label, each on one line and none too long."""
    match node.kind:
        case "version":
            lines = [node.name, ", ".join(node.stages)]
        case "data":
            lines = [node.name, node.detail, shorten_digest(node.digest or "")]
        case "code":
            lines = [node.name[:_COMMIT], node.detail]
        case _:
            lines = [node.name, node.detail]
    return [_cut(line) for line in (*lines, *node.remarks) if line]


def _cut(line: str) -> str:
    shown = printable_name(line)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"
