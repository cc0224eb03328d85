"""What lineage prints: a tree for people, or a text for a program that draws graphs."""

from __future__ import annotations

from collections.abc import Callable

from mlver.errors import shell_command
from mlver.features.lineage.cyclonedx import write_cyclonedx
from mlver.features.lineage.described import DescribedVersion
from mlver.features.lineage.dot import write_dot
from mlver.features.lineage.formats import LineageFormat
from mlver.features.lineage.lineage import LineageResult, name_root
from mlver.features.lineage.mermaid import write_mermaid
from mlver.features.lineage.openlineage import write_openlineage
from mlver.project.lineage.graph import LineageNode, ShownEdge, is_version
from mlver.terminal.links import draw_faults
from mlver.terminal.screen import Part, TextScreen
from mlver.terminal.tree import TreeBranch, draw_tree
from mlver.terminal.words import format_count, format_time, join_listed, shorten_digest

# What stands before a node, by its relation and the way on which it was met.
_WORDS = {
    ("parent", "up"): "trained from",
    ("mixed", "up"): "has parts of",
    ("uses", "up"): "uses",
    ("data", "up"): "trained on",
    ("code", "up"): "code",
    ("parent", "down"): "led to",
    ("mixed", "down"): "gave parts to",
    ("uses", "down"): "used by",
    ("data", "down"): "trained",
    ("holds", "down"): "lies in",
    ("evaluation", "down"): "evaluated",
    ("promotion", "down"): "moved",
}
_COMMIT = 10


def choose_drawing(chosen: LineageFormat) -> Callable[[LineageResult, TextScreen], None]:
    if chosen is LineageFormat.DOT:
        return lambda result, screen: screen.write_page(write_dot(result))
    if chosen is LineageFormat.MERMAID:
        return lambda result, screen: screen.write_page(write_mermaid(result))
    return draw_lineage


def choose_writing(chosen: LineageFormat) -> Callable[[DescribedVersion, TextScreen], None]:
    write = write_openlineage if chosen is LineageFormat.OPENLINEAGE else write_cyclonedx
    return lambda described, screen: screen.write_raw(write(described))


def draw_lineage(result: LineageResult, screen: TextScreen) -> None:
    draw_tree(_TreeBuilder(result).build(), screen)
    if not result.edges and not is_version(result.root):
        screen.draw_line("  nothing here was trained on it")
    _draw_hidden(result, screen)
    draw_faults(result.unread, screen)


class _TreeBuilder:
    """Lays the graph out as a tree: a node that was shown before is named, and not opened again."""

    def __init__(self, result: LineageResult) -> None:
        self.root = result.root
        self.nodes = {node.id: node for node in result.nodes}
        self.shared: dict[str, list[str]] = {}
        self.following: dict[tuple[str, str], list[ShownEdge]] = {}
        for edge in result.edges:
            if edge.way == "beside":
                self.shared.setdefault(edge.origin, []).append(self.nodes[edge.result].name)
            else:
                start = edge.result if edge.way == "up" else edge.origin
                self.following.setdefault((start, edge.way), []).append(edge)

    def build(self) -> TreeBranch:
        root = self.nodes[self.root]
        tree = TreeBranch(_describe_node(root))
        opened = {self.root}
        waiting = [(tree, self.root, "up"), (tree, self.root, "down")]
        while waiting:
            branch, start, way = waiting.pop(0)
            for edge in self.following.get((start, way), ()):
                other = edge.origin if way == "up" else edge.result
                node = self.nodes[other]
                is_new = other not in opened
                child = TreeBranch(_describe_step(edge, node, is_new=is_new))
                branch.branches.append(child)
                if is_new:
                    opened.add(other)
                    waiting.append((child, other, way))
                    self._add_shared(child, other)
        return tree

    def _add_shared(self, branch: TreeBranch, data: str) -> None:
        others = list(dict.fromkeys(self.shared.get(data, ())))
        if others:
            branch.branches.append(TreeBranch([("also trained ", "dim"), join_listed(others)]))


def _describe_step(edge: ShownEdge, node: LineageNode, *, is_new: bool) -> list[Part]:
    words = _WORDS[edge.relation, edge.way]
    if edge.name and edge.way == "up":
        words = f"{words} {edge.name}"
    parts: list[Part] = [(f"{words}  ", "dim")]
    if not is_new and node.kind == "version":
        return [*parts, (node.name, "name"), ("  (shown elsewhere)", "dim")]
    return [*parts, *_describe_node(node)]


def _describe_node(node: LineageNode) -> list[Part]:
    parts: list[Part] = []
    match node.kind:
        case "version":
            parts = [(node.name, "name"), *[(f"  {stage}", "good") for stage in node.stages]]
            # A message at a pipe need not fit any width.
            parts.append((f"  {node.detail}", "dim"))
        case "data":
            parts = [node.detail or node.name, (f"  {shorten_digest(node.digest or '')}", "dim")]
        case "code":
            on = f" on {node.detail}" if node.detail else ""
            parts = [node.name[:_COMMIT], (on, "dim")]
        case _:
            moment = format_time(node.created or "")
            parts = [f"{node.name}  {node.detail}", (f"  {moment}", "dim")]
    for remark in node.remarks:
        parts.append((f"  {remark}", "warn"))
    return parts


def _draw_hidden(result: LineageResult, screen: TextScreen) -> None:
    for way, count in (("up", result.hidden_up), ("down", result.hidden_down)):
        if count:
            hidden = format_count(count, "more version")
            command = shell_command("mlver", "lineage", *name_root(result), f"--{way}")
            screen.draw_unbroken((f"{hidden} further {way}: {command}", "dim"))
