"""What the documents for other catalogues are written from."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.features.lineage.lineage import LineageResult, trace_version
from mlver.project.lineage.graph import LineageNode, ShownEdge, split_version
from mlver.project.project import Project
from mlver.records.version import VersionRecord

PRODUCER = "https://mlver.dev"


@dataclass(frozen=True, slots=True)
class DescribedVersion:
    """A version with its record, the digest of that, and all that it was made from."""

    record: VersionRecord
    digest: Digest
    lineage: LineageResult

    def list_origins(self, *relations: str) -> Iterator[LineageNode]:
        """List the versions, near or far, that were met by these relations, each once."""
        return self._list_nodes(edge for edge in self.lineage.edges if edge.relation in relations)

    def list_used(self) -> Iterator[LineageNode]:
        """List the versions that this one uses itself: not what the ones before it used."""
        root = self.lineage.root
        own = (edge for edge in self.lineage.edges if edge.result == root)
        return self._list_nodes(edge for edge in own if edge.relation == "uses")

    def _list_nodes(self, edges: Iterable[ShownEdge]) -> Iterator[LineageNode]:
        nodes = {node.id: node for node in self.lineage.nodes}
        found = dict.fromkeys(edge.origin for edge in edges)
        return (nodes[node] for node in found if node != self.lineage.root)

    def name_id(self, purpose: str) -> uuid.UUID:
        """A UUID that is the same wherever the same record is described."""
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{PRODUCER}/{purpose}/{self.digest}")


def describe_version(project: Project, ref: str | None, *, depth: int | None) -> DescribedVersion:
    """Read a version with what it was made from."""
    lineage = trace_version(project, ref, up=True, down=False, depth=depth)
    record, digest = project.registry.read_version(*split_version(lineage.root))
    return DescribedVersion(record, digest, lineage)
