"""A lineage in DOT, the language of Graphviz."""

from __future__ import annotations

from mlver.features.lineage.labels import label_node, name_nodes
from mlver.features.lineage.lineage import LineageResult
from mlver.terminal.sanitise import printable_name

_SHAPES = {
    "version": "box",
    "data": "cylinder",
    "code": "note",
    "evaluation": "ellipse",
    "promotion": "cds",
}


def write_dot(result: LineageResult) -> str:
    """Write the graph; every text of others stands in a quoted string."""
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [fontname="sans-serif"];']
    names = name_nodes(result.nodes)
    for node in result.nodes:
        # Between lines stands `\n`, the one escape that Graphviz is to read.
        label = "\\n".join(map(_escape, label_node(node)))
        style = ", style=bold" if node.id == result.root else ""
        lines.append(f'  {names[node.id]} [shape={_SHAPES[node.kind]}, label="{label}"{style}];')
    for edge in result.edges:
        words = f"{edge.relation} {edge.name}" if edge.name else edge.relation
        label = _escape(printable_name(words))
        lines.append(f'  {names[edge.origin]} -> {names[edge.result]} [label="{label}"];')
    return "\n".join([*lines, "}", ""])


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
