"""Records that a merge gave other numbers: gone from their place, and not gone.

Two branches claimed the same number, and one of them gave way (`mlver resolve`). A merge may do that to a record of its
own parents as long as the record lives on in it, whole but for its number and what follows from that; and it may leave
out what was said of the number alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlver.errors import MlverError
from mlver.git import history, merging
from mlver.git.history import Tampering
from mlver.policy.renumber import Record, essence
from mlver.project import layout
from mlver.project.layout import Place
from mlver.project.project import Project
from mlver.project.registry import Registry
from mlver.project.source import Tree
from mlver.records.promotion import PromotionRecord


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
    merge = _Merge(Registry(result, None), tuple(Registry(tree, None) for tree in parents), tuple(parents))
    return merge.moved(path)


@dataclass(frozen=True, slots=True)
class _Merge:
    result: Registry
    parents: tuple[Registry, ...]
    trees: tuple[Tree, ...]

    def moved(self, path: str) -> bool:
        """Whether every parent's record at `path` that is no longer there lives on in the merge."""
        place = layout.place(path)
        if place is None or place.kind == "model" or not self._collides(place.model):
            return False
        try:
            held = self.result.read(path)
            lost = [parent for parent in self.parents if parent.read(path) not in (None, held)]
            return bool(lost) and all(self._lives_on(parent, place) for parent in lost)
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
        if any(essence(other) == essence(lost) for other in _all(self.result, place)):
            return True
        version = place.version or lost.version
        heir = self._heir(parent, place.model, version)
        if isinstance(lost, PromotionRecord):
            # the version it named is another number now, so its approvals count no more; or it moved the stage to what
            # the other side had moved it to already
            again = any(
                isinstance(other, PromotionRecord) and (other.action, other.version) == ("promote", heir or version)
                for other in _all(self.result, place)
            )
            return lost.action == "retire" or again or (bool(lost.approvals) and heir is not None)
        return place.kind == "approval" and heir is not None

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
    result = Registry(Tree.at(project.repository, commit), None)
    return _Merge(result, tuple(Registry(tree, None) for tree in trees), trees)


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
