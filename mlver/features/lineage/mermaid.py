"""A lineage in Mermaid, which forges draw in a README or a pull request."""

from __future__ import annotations

import re

from mlver.errors import MlverError, shell_command
from mlver.features.lineage.labels import label_node, name_nodes
from mlver.features.lineage.lineage import LineageResult, name_root
from mlver.terminal.sanitise import printable_name

# Mermaid draws no more than 500 edges and 50,000 characters, unless a page says otherwise.
_MOST_EDGES = 400
_LONGEST = 50_000
_SHAPES = {
    "version": ('["', '"]'),
    "data": ('[("', '")]'),
    "code": ('[/"', '"/]'),
    "evaluation": ('(["', '"])'),
    "promotion": ('>"', '"]'),
}
_UNSAFE = re.compile(r"[^A-Za-z0-9 ,.:@_=+-]")


def write_mermaid(result: LineageResult) -> str:
    """Write the graph; raise MlverError for one that Mermaid would not draw."""
    lines = ["flowchart LR"]
    names = name_nodes(result.nodes)
    for node in result.nodes:
        opening, closing = _SHAPES[node.kind]
        label = "<br/>".join(map(_escape, label_node(node)))
        lines.append(f"  {names[node.id]}{opening}{label}{closing}")
    for edge in result.edges:
        words = f"{edge.relation} {edge.name}" if edge.name else edge.relation
        label = _escape(printable_name(words))
        lines.append(f'  {names[edge.origin]} -->|"{label}"| {names[edge.result]}')
    text = "\n".join([*lines, ""])
    if len(result.edges) > _MOST_EDGES or len(text) > _LONGEST:
        raise MlverError(
            f"this lineage has {len(result.edges):,} edges, and Mermaid draws no more than some"
            f" {_MOST_EDGES}; DOT has no limit, and --depth 1 shows less",
            hint=shell_command("mlver", "lineage", *name_root(result), "--format", "dot"),
        )
    return text


def _escape(text: str) -> str:
    """Write by its number whatever Mermaid, Markdown or HTML could read as more than a letter."""
    return _UNSAFE.sub(lambda unsafe: f"#{ord(unsafe[0])};", text)
