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
from mlver.git.history import RecordTampering
from mlver.git.repository import GitRepository
from mlver.policy.chain import holder_after
from mlver.policy.renumber import NumberedRecord, strip_numbering
from mlver.project.history.parents import find_renumbered_parent
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.layout import RecordPath
from mlver.records.promotion import PromotionRecord
from mlver.records.version import VersionRecord


def find_tampering(
    project: Project, *under: str, tip: str = "HEAD", without: Sequence[str] = ()
) -> list[RecordTampering]:
    """What history did to records below `under`, but for those that live on in the merge that moved them.

    It is the history of `tip`, and only what none of `without` has of it.
    """
    merges: dict[str, _MergedRecords | None] = {}
    found = []
    for change in history.find_tampering(project.repository, *under, tip=tip, without=without):
        if change.commit not in merges:
            merges[change.commit] = _load_merge(project, change.commit)
        merge = merges[change.commit]
        if merge is None or not merge.has_moved(change.path):
            found.append(change)
    return found


def survives_in(result: CommittedRecords, parents: Sequence[CommittedRecords], path: str) -> bool:
    """Whether a merge that is still to be made, as `result`, has moved the record at `path`, and not lost it."""
    return _MergedRecords(result.repository, RecordRegistry(result), tuple(parents)).has_moved(path)


@dataclass(frozen=True, slots=True)
class _MergedRecords:
    repository: GitRepository
    result: RecordRegistry
    trees: tuple[CommittedRecords, ...]

    @property
    def parent_registries(self) -> tuple[RecordRegistry, ...]:
        return tuple(RecordRegistry(tree) for tree in self.trees)

    def has_moved(self, path: str) -> bool:
        """Whether every parent's record at `path` that is no longer there lives on in the merge."""
        place = layout.parse_path(path)
        if place is None or place.kind == "model" or not self._has_collision(place.model):
            return False
        try:
            held = self.result.read_file(path)
            lost = [
                parent
                for parent in self.parent_registries
                if parent.read_file(path) not in (None, held)
            ]
            # what two parents hold alike is nothing they both claimed: it stays where it is
            claimed = len({parent.read_file(path) for parent in lost}) == len(lost) > 0
            return claimed and all(self._is_preserved(parent, place) for parent in lost)
        except MlverError:
            return False

    def _has_collision(self, model: str) -> bool:
        """Whether two parents claim a record of the model that their branches did not begin with."""
        folder = f"{layout.MODELS}/{model}/"
        first, *others = (tree.entries for tree in self.trees)
        return any(
            path.startswith(folder)
            and layout.is_record_path(path)
            and first.get(path) not in (None, entry)
            for entries in others
            for path, entry in entries.items()
        )

    def _is_preserved(self, parent: RecordRegistry, place: RecordPath) -> bool:
        lost = _read_record(parent, place)
        if any(
            self._is_same_record(parent, lost, other)
            for other in _read_candidates(self.result, place)
        ):
            return True
        heir = self._renumbered_to(parent, place.model, lost.version)
        if isinstance(lost, PromotionRecord):
            return self._may_omit_promotion(parent, lost, heir)
        return place.kind == "approval" and heir is not None

    def _is_same_record(
        self, parent: RecordRegistry, lost: NumberedRecord, found: NumberedRecord
    ) -> bool:
        """Whether a record is the lost one, and what it is about too, whatever their numbers."""
        if strip_numbering(found) != strip_numbering(lost):
            return False
        if isinstance(lost, PromotionRecord) and lost.action == "retire":
            return True  # of whatever held the stage
        was, now = (
            one.parent if isinstance(one, VersionRecord) else one.version for one in (lost, found)
        )
        if was == now or was is None or now is None:
            return was == now
        if now == self._renumbered_to(parent, lost.model, was):
            return True
        return isinstance(lost, VersionRecord) and now == str(
            find_renumbered_parent(self.repository, self.result, lost)
        )

    def _may_omit_promotion(
        self, parent: RecordRegistry, lost: PromotionRecord, heir: str | None
    ) -> bool:
        """Whether a promotion may be left out: it counted approvals of a number that is another's now, or would move
        the stage to where it is."""
        if lost.action == "rollback":
            return False
        if lost.action == "promote" and lost.approvals and heir is not None:
            return True
        history, before = (
            [record for record, _ in side.read_history(lost.model, lost.stage)]
            for side in (self.result, parent)
        )
        paths = (
            layout.promotion_path(lost.model, lost.stage, record.sequence) for record in history
        )
        begun = len(
            list(
                takewhile(
                    lambda path: len({tree.entries.get(path) for tree in self.trees}) == 1, paths
                )
            )
        )
        holders = [holder_after(record) for record in history[begun:]]
        if not any(
            self._is_same_record(parent, one, other)
            for one in before[begun : lost.sequence - 1]
            for other in history
        ):
            # it would come right behind what all parents began with
            holders.append(holder_after(history[begun - 1]) if begun else None)
        return (None if lost.action == "retire" else heir or lost.version) in holders

    def _renumbered_to(self, parent: RecordRegistry, model: str, version: str) -> str | None:
        """The number a parent's version has in the merge; None where it kept its own, or is gone."""
        lost = strip_numbering(parent.read_version(model, version)[0])
        for number in self.result.list_versions(model):
            if (
                str(number) != version
                and strip_numbering(self.result.read_version(model, number)[0]) == lost
            ):
                return str(number)
        return None


def _load_merge(project: Project, commit: str) -> _MergedRecords | None:
    parents = merging.list_commit_parents(project.repository, commit)
    if len(parents) < 2:
        return None
    trees = tuple(CommittedRecords.at_commit(project.repository, parent) for parent in parents)
    return _MergedRecords(
        project.repository,
        RecordRegistry(CommittedRecords.at_commit(project.repository, commit)),
        trees,
    )


def _read_record(side: RecordRegistry, place: RecordPath) -> NumberedRecord:
    match place:
        case RecordPath("version", model, str(version)):
            return side.read_version(model, version)[0]
        case RecordPath("promotion", model, _, str(stage), int(sequence)):
            return side.read_promotion(model, stage, sequence)[0]
        case RecordPath("evaluation", model, str(version), _, int(sequence)):
            return side.read_evaluation(model, version, sequence)
        case RecordPath("approval", model, str(version), str(stage), int(sequence)):
            return side.read_approval(model, version, stage, sequence)
    raise AssertionError(place)


def _read_candidates(side: RecordRegistry, place: RecordPath) -> Iterator[NumberedRecord]:
    """The records of a place's kind, of its model and stage, whatever their version."""
    if place.kind == "promotion":
        yield from (record for record, _ in side.read_history(place.model, place.stage or ""))
        return
    for number in side.list_versions(place.model):
        if place.kind == "version":
            yield side.read_version(place.model, number)[0]
        elif place.kind == "evaluation":
            yield from side.read_evaluations(place.model, number)
        else:
            yield from (
                one for one in side.read_approvals(place.model, number) if one.stage == place.stage
            )
