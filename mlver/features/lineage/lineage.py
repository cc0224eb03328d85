"""`mlver lineage`: what a version was made from, and what was made from it."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.errors import UsageError
from mlver.project.authorising.naming import find_data
from mlver.project.lineage.graph import (
    EVERYTHING,
    LineageNode,
    LineageReach,
    ShownEdge,
    is_version,
    split_version,
)
from mlver.project.lineage.reading import Lineage, read_data_lineage, read_version_lineage
from mlver.project.project import Project

_ANCESTORS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageResult:
    """The part of the graph that is shown, and how many versions lie beyond it each way.

    `root` is the id of the node that was asked for. `unread` says which records could not be read.
    """

    root: str
    nodes: tuple[LineageNode, ...]
    edges: tuple[ShownEdge, ...]
    hidden_up: int
    hidden_down: int
    unread: tuple[str, ...]


def name_root(result: LineageResult) -> list[str]:
    """The arguments of a command line that name what was asked for."""
    if is_version(result.root):
        return ["@".join(split_version(result.root))]
    return ["--data", result.nodes[0].digest or ""]


def trace_version(
    project: Project, ref: str | None, *, up: bool, down: bool, depth: int | None
) -> LineageResult:
    """Trace a version. With neither way: its ancestors, its children, and who shares its data."""
    if up and down:
        raise UsageError("give --up or --down; without either both are shown")
    chosen = project.resolve_ref(ref)
    reach = _choose_reach(up=up, down=down, depth=depth)
    return _build_result(read_version_lineage(project, chosen, reach))


def trace_data(project: Project, data: str, *, depth: int | None) -> LineageResult:
    """Trace what came of data; raise MlverError for data that nothing here names."""
    named = find_data(project, data)
    limit = EVERYTHING if depth is None else depth
    return _build_result(read_data_lineage(project, named.digest, named.name, limit))


def _choose_reach(*, up: bool, down: bool, depth: int | None) -> LineageReach:
    if up or down:
        limit = EVERYTHING if depth is None else depth
        return LineageReach(up=limit if up else None, down=limit if down else None)
    if depth is not None:
        return LineageReach(up=depth, down=depth)
    return LineageReach(up=_ANCESTORS, down=1)


def _build_result(lineage: Lineage) -> LineageResult:
    return LineageResult(
        root=lineage.root,
        nodes=lineage.nodes,
        edges=lineage.edges,
        hidden_up=lineage.hidden_up,
        hidden_down=lineage.hidden_down,
        unread=lineage.unread,
    )
