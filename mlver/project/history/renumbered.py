"""Records that a merge gave other numbers: gone from their place, and not gone.

Two branches claimed the same number, and one of them gave way (`mlver resolve`). A merge may do that to a record of its
own parents as long as the record lives on in it, whole but for its number and what follows from that; and it may leave
out what was said of the number alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from mlver.errors import MlverError
from mlver.git import history, merging
from mlver.git.history import Tampering
from mlver.git.repository import Repository
from mlver.policy.chain import left_by
from mlver.policy.renumber import Record, essence
from mlver.project.history.parents import parent_now
from mlver.project.project import Project
from mlver.project.registry.committed import Tree
from mlver.project.registry.registry import Registry
from mlver.records import layout
from mlver.records.layout import Place
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord


def tampering(project: Project, *under: str, tip: str = "HEAD", without: Sequence[str] = ()) -> list[Tampering]:
    """What history did to records below `under`, but for those that live on in the merge that moved them.

    It is the history of `tip`, and only what none of `without` has of it.
    """
    merges: dict[str, _Merge | None] = {}
    found = []
    for change in history.tampering(project.repository, *under, tip=tip, without=without):
        if change.commit not in merges:
            merges[change.commit] = _merge(project, change.commit)
        merge = merges[change.commit]
        if merge is None or not merge.moved(change.path):
            found.append(change)
    return found


def lives_on(result: Tree, parents: Sequence[Tree], path: str) -> bool:
    """Whether a merge that is still to be made, as `result`, has moved the record at `path`, and not lost it."""
    return _Merge(result.repository, Registry(result, None), tuple(parents)).moved(path)


@dataclass(frozen=True, slots=True)
class _Merge:
    repository: Repository
    result: Registry
    trees: tuple[Tree, ...]

    @property
    def parents(self) -> tuple[Registry, ...]:
        return tuple(Registry(tree, None) for tree in self.trees)

    def moved(self, path: str) -> bool:
        """Whether every parent's record at `path` that is no longer there lives on in the merge."""
        place = layout.place(path)
        if place is None or place.kind == "model" or not self._collides(place.model):
            return False
        try:
            held = self.result.read(path)
            lost = [parent for parent in self.parents if parent.read(path) not in (None, held)]
            # what two parents hold alike is nothing they both claimed: it stays where it is
            claimed = len({parent.read(path) for parent in lost}) == len(lost) > 0
            return claimed and all(self._lives_on(parent, place) for parent in lost)
        except MlverError:
            return False

    def _collides(self, model: str) -> bool:
        """Whether two parents claim a record of the model that their branches did not begin with."""
        folder = f"{layout.MODELS}/{model}/"
        first, *others = (tree.entries for tree in self.trees)
        return any(
            path.startswith(folder) and layout.is_record(path) and first.get(path) not in (None, entry)
            for entries in others
            for path, entry in entries.items()
        )

    def _lives_on(self, parent: Registry, place: Place) -> bool:
        lost = _record(parent, place)
        if any(self._is_heir(parent, lost, other) for other in _all(self.result, place)):
            return True
        heir = self._heir(parent, place.model, lost.version)
        if isinstance(lost, PromotionRecord):
            return self._said_already(parent, lost, heir)
        return place.kind == "approval" and heir is not None

    def _is_heir(self, parent: Registry, lost: Record, found: Record) -> bool:
        """Whether a record is the lost one, and what it is about too, whatever their numbers."""
        if essence(found) != essence(lost):
            return False
        if isinstance(lost, PromotionRecord) and lost.action == "retire":
            return True  # of whatever held the stage
        was, now = (one.parent if isinstance(one, VersionRecord) else one.version for one in (lost, found))
        if was == now or was is None or now is None:
            return was == now
        if now == self._heir(parent, lost.model, was):
            return True
        return isinstance(lost, VersionRecord) and now == str(parent_now(self.repository, self.result, lost))

    def _said_already(self, parent: Registry, lost: PromotionRecord, heir: str | None) -> bool:
        """Whether a promotion may be left out: it counted approvals of a number that is another's now, or would move
        the stage to where it is."""
        if lost.action == "rollback":
            return False
        if lost.action == "promote" and lost.approvals and heir is not None:
            return True
        history, before = (
            [record for record, _ in side.history(lost.model, lost.stage)] for side in (self.result, parent)
        )
        paths = (layout.promotion(lost.model, lost.stage, record.sequence) for record in history)
        begun = len(list(takewhile(lambda path: len({tree.entries.get(path) for tree in self.trees}) == 1, paths)))
        holders = [left_by(record) for record in history[begun:]]
        if not any(self._is_heir(parent, one, other) for one in before[begun : lost.sequence - 1] for other in history):
            # it would come right behind what all parents began with
            holders.append(left_by(history[begun - 1]) if begun else None)
        return (None if lost.action == "retire" else heir or lost.version) in holders

    def _heir(self, parent: Registry, model: str, version: str) -> str | None:
        """The number a parent's version has in the merge; None where it kept its own, or is gone."""
        lost = essence(parent.version(model, version)[0])
        for number in self.result.versions(model):
            if str(number) != version and essence(self.result.version(model, number)[0]) == lost:
                return str(number)
        return None


def _merge(project: Project, commit: str) -> _Merge | None:
    parents = merging.parents(project.repository, commit)
    if len(parents) < 2:
        return None
    trees = tuple(Tree.at(project.repository, parent) for parent in parents)
    return _Merge(project.repository, Registry(Tree.at(project.repository, commit), None), trees)


def _record(side: Registry, place: Place) -> Record:
    match place:
        case Place("version", model, str(version)):
            return side.version(model, version)[0]
        case Place("promotion", model, _, str(stage), int(sequence)):
            return side.promotion(model, stage, sequence)[0]
        case Place("evaluation", model, str(version), _, int(sequence)):
            return side.evaluation(model, version, sequence)
        case Place("approval", model, str(version), str(stage), int(sequence)):
            return side.approval(model, version, stage, sequence)
    raise AssertionError(place)


def _all(side: Registry, place: Place) -> Iterator[Record]:
    """The records of a place's kind, of its model and stage, whatever their version."""
    if place.kind == "promotion":
        yield from (record for record, _ in side.history(place.model, place.stage or ""))
        return
    for number in side.versions(place.model):
        if place.kind == "version":
            yield side.version(place.model, number)[0]
        elif place.kind == "evaluation":
            yield from side.evaluations(place.model, number)
        else:
            yield from (one for one in side.approvals(place.model, number) if one.stage == place.stage)
