"""Reads the lineage of a version, or of data, from the records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.policy.chain import judge_seal
from mlver.project.history.all_versions import AllVersions, Place
from mlver.project.history.data_uses import find_holding_directories, list_related
from mlver.project.lineage.graph import (
    LineageEdge,
    LineageNode,
    LineageReach,
    LineageSelection,
    ShownEdge,
    is_version,
    list_nodes,
    name_version,
    select_lineage,
    split_version,
)
from mlver.project.lineage.nodes import (
    describe_code,
    describe_data,
    describe_evaluation,
    describe_missing,
    describe_promotion,
    describe_version,
)
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.tags import promotion_seals
from mlver.project.tags.promotion_seals import ShownModel, ShownSeals
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.version import parse_version


@dataclass(frozen=True, slots=True)
class Lineage:
    """What is within reach of `root`, the id of a node.

    `hidden_up` and `hidden_down` are how many versions lie beyond that each way, and `unread` says
    which records could not be read: nobody knows what those belong to.
    """

    root: str
    nodes: tuple[LineageNode, ...]
    edges: tuple[ShownEdge, ...]
    hidden_up: int
    hidden_down: int
    unread: tuple[str, ...]


def read_version_lineage(project: Project, chosen: ResolvedRef, reach: LineageReach) -> Lineage:
    """Read the lineage of a version; evaluations and promotions are shown of itself alone."""
    # Raised for a version that cannot be read: there is nothing to tell of it.
    record, _ = project.registry.read_version(chosen.model, chosen.version)
    root = name_version(record.model, record.version)
    reader = _LineageReader(project, AllVersions(project.registry))
    edges = list(reader.list_edges())
    if reach.down is not None:
        edges += reader.list_events(record)
    return reader.build(root, select_lineage(edges, root, reach))


def read_data_lineage(project: Project, digest: Digest, name: str, depth: int) -> Lineage:
    """Read what came of data: of a data set, or of one file of a directory.

    `name` is what people call it, and `depth` how many versions far to go.
    """
    root = _name_data(digest)
    reader = _LineageReader(project, AllVersions(project.registry))
    reader.nodes[root] = LineageNode(id=root, kind="data", name=name, digest=str(digest))
    edges = list(reader.list_edges())
    for directory in find_holding_directories(project.registry, digest):
        holding = _name_data(directory)
        # A directory of weights holds files as well, and trains nothing.
        if holding in reader.artifacts:
            edges.append(LineageEdge(root, holding, "holds"))
    return reader.build(root, select_lineage(edges, root, LineageReach(up=None, down=depth)))


def _name_data(digest: Digest) -> str:
    return f"data:{digest}"


class _LineageReader:
    """Turns records into edges, and describes the nodes that are shown."""

    def __init__(self, project: Project, versions: AllVersions) -> None:
        self.project = project
        self.versions = versions
        self.reader = TolerantReader()
        self.nodes: dict[str, LineageNode] = {}
        self.artifacts: dict[str, tuple[str, Artifact]] = {}
        # What speaks against versions that others name: another record than the one that was meant.
        self.mistaken: dict[str, list[str]] = {}

    def list_edges(self) -> Iterator[LineageEdge]:
        """List the edges from origins, data and code to every version."""
        for place, record in self.versions.records.items():
            version = name_version(*place)
            for relation, origin in list_related(record, self.versions.find_place):
                yield LineageEdge(name_version(*origin), version, relation)
            self._compare_uses(record)
            for name, artifact in record.data.items():
                yield LineageEdge(self._note_data(name, artifact), version, "data", name)
            if record.code.commit is not None:
                code = f"code:{record.code.commit}"
                self.nodes.setdefault(code, describe_code(code, record.code))
                yield LineageEdge(code, version, "code")

    def _compare_uses(self, record: VersionRecord) -> None:
        for use in record.uses:
            place = self.versions.find_place(use)
            is_renumbered = place != (use.model, use.version)
            digest = self.versions.digests.get(place)
            if not is_renumbered and digest not in (None, use.record):
                remark = f"another record than {record.model} {record.version} used"
                self.mistaken.setdefault(name_version(use.model, use.version), []).append(remark)

    def list_events(self, record: VersionRecord) -> Iterator[LineageEdge]:
        """List the edges from a version to its evaluations and promotions."""
        version = name_version(record.model, record.version)
        registry = self.project.registry
        found = self.reader.try_reading(registry.read_evaluations, record.model, record.version)
        for evaluation, digest in found or ():
            node = describe_evaluation(evaluation, digest)
            self.nodes[node.id] = node
            yield LineageEdge(version, node.id, "evaluation")
            for name, measured in evaluation.data.items():
                if isinstance(measured, Artifact):
                    data = self._note_data(name, measured)
                    yield LineageEdge(data, node.id, "evaluation", name)
        yield from self._list_promotions(record, version)

    def _list_promotions(self, record: VersionRecord, version: str) -> Iterator[LineageEdge]:
        registry = self.project.registry
        moves = [move for _, move in registry.read_promotions_of(record.model, record.version)]
        promotions = [
            registry.read_promotion(move.model, move.stage, move.sequence) for move in moves
        ]
        states = promotion_seals.read_seal_states(self.project, promotions)
        for promotion, digest in promotions:
            state = states.get(promotion.record_path)
            node = describe_promotion(promotion, digest, state)
            self.nodes[node.id] = node
            yield LineageEdge(version, node.id, "promotion")

    def _note_data(self, name: str, artifact: Artifact) -> str:
        node = _name_data(artifact.digest)
        self.artifacts.setdefault(node, (name, artifact))
        return node

    def build(self, root: str, selection: LineageSelection) -> Lineage:
        """Describe the nodes of a selection."""
        shown = list_nodes(root, selection.edges)
        self._describe_versions([split_version(node) for node in shown if is_version(node)])
        for node in shown:
            if node not in self.nodes:
                self.nodes[node] = describe_data(node, *self.artifacts[node])
        return Lineage(
            root=root,
            nodes=tuple(self.nodes[node] for node in shown),
            edges=selection.edges,
            hidden_up=selection.hidden_up,
            hidden_down=selection.hidden_down,
            unread=(*self.versions.unread, *self.reader.faults),
        )

    def _describe_versions(self, places: Iterable[Place]) -> None:
        """Describe versions with their seals, stages and retirements, read at once for all."""
        by_model: dict[str, list[str]] = {}
        for model, number in places:
            by_model.setdefault(model, []).append(number)
        registry = self.project.registry
        shown: list[ShownModel] = []
        for model, numbers in by_model.items():
            holders = self.reader.read_holdings(registry, model)
            shown.append(ShownModel(model, list(map(parse_version, numbers)), holders))
        all_seals = promotion_seals.read_seals_of_models(self.project, shown)
        for chosen, seals in zip(shown, all_seals, strict=True):
            retired = self.reader.read_retired(registry, chosen.model)
            for number in by_model[chosen.model]:
                self._describe_version(chosen, number, seals, retired.get(number))

    def _describe_version(
        self, chosen: ShownModel, number: str, seals: ShownSeals, retired: str | None
    ) -> None:
        place = (chosen.model, number)
        node = name_version(*place)
        record = self.versions.records.get(place)
        if record is None:
            self.nodes[node] = describe_missing(node, *place)
            return
        digest = self.versions.digests[place]
        held = {
            stage: seals.stages[stage]
            for stage, (promotion, _) in chosen.holders.items()
            if promotion.version == number
        }
        broken = judge_seal(chosen.model, number, digest, seals.versions[number])
        described = describe_version(
            node, record, digest, held, is_sealed=not broken, retired=retired
        )
        remarks = (*described.remarks, *self.mistaken.get(node, ()))
        self.nodes[node] = replace(described, remarks=remarks)
