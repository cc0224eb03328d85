"""What a merge made of its parents' records that cannot say which number they had.

Two branches claimed the same number, and one of them gave way. A version or a promotion says so
from format 2 on. One of format 1, an evaluation, a note and a retirement are known by what they
say: the merge keeps them, whole but for their number and for what follows from that. An approval is
of one record, so it may be left out where that got another number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlver.errors import MlverError
from mlver.git.repository import GitRepository
from mlver.policy.renumber import AttachedRecord, NumberedRecord, strip_numbering
from mlver.project.history.parents import find_renumbered_version
from mlver.project.registry.attached import CHAINS, read_attached
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.layout import (
    AttachedPath,
    PromotionPath,
    RecordPath,
    SettingsPath,
    VersionPath,
)
from mlver.records.promotion import PromotionRecord
from mlver.records.retirement import RetirementRecord
from mlver.records.version import VersionRecord
from mlver.version import Version


@dataclass(frozen=True, slots=True)
class MergedRecords:
    """The records of a merge, made or still to be made, beside those of its parents."""

    repository: GitRepository
    result: RecordRegistry
    parent_trees: tuple[CommittedRecords, ...]

    def has_moved(self, path: str) -> bool:
        """Say whether the merge kept, elsewhere, every parent's record that it took from `path`."""
        if layout.is_seal_path(path):
            return self._has_seal_moved(path)
        place = layout.parse_path(path)
        if place is None:
            # Hardly any merge moves one, so what reads them is not imported before.
            from mlver.project.history.merged_authorisations import has_authorisation_moved
            from mlver.project.history.merged_deployments import has_deployment_moved

            return has_authorisation_moved(
                self.result, self.parent_trees, path
            ) or has_deployment_moved(self.result, self.parent_trees, path)
        if place.kind == "model":
            return False
        # git alone never renumbers: without a collision, a record that is gone is lost.
        if not self._has_collision(place.model):
            return False
        try:
            losing_parents = self._list_losing_parents(path)
            return self._are_preserved(losing_parents, place)
        except MlverError:
            # A record that cannot be read cannot be shown to live on.
            return False

    def _has_seal_moved(self, path: str) -> bool:
        """Say whether the seals at a path are beside their approvals still, or went with them."""
        record_path = f"{path.removesuffix('.seal')}.yaml"
        place = layout.parse_approval(record_path)
        if place is None or place.version is None or not self.has_moved(record_path):
            return False
        folder = path.rpartition("/")[0]
        names = [name for name in self.result.list_names(folder) if name.endswith(".seal")]
        seals = {self.result.read_file(f"{folder}/{name}") for name in names}
        for tree in self.parent_trees:
            parent = RecordRegistry(tree)
            data = parent.read_file(path)
            if data is None or data in seals:
                continue
            # What got another number has to be approved again.
            if self._find_new_number(parent, place.model, place.version) is None:
                return False
        return True

    def _has_collision(self, model: str) -> bool:
        """Say whether two parents hold different records of the model under one name."""
        first_tree, *other_trees = self.parent_trees
        return any(_have_collision(first_tree, tree, model) for tree in other_trees)

    def _list_losing_parents(self, path: str) -> list[RecordRegistry]:
        """List the parents whose record at `path` is not the one that the merge has there.

        None where two of them hold the same record: they did not both claim the number, so nothing
        made it move.
        """
        kept = self.result.read_file(path)
        parents: list[RecordRegistry] = []
        contents: set[bytes] = set()
        for tree in self.parent_trees:
            parent = RecordRegistry(tree)
            data = parent.read_file(path)
            if data is None or data == kept:
                continue
            if data in contents:
                return []
            contents.add(data)
            parents.append(parent)
        return parents

    def _are_preserved(self, parents: Sequence[RecordRegistry], place: RecordPath) -> bool:
        # A merge that took the record from no parent did not move it either.
        if not parents:
            return False
        return all(self._is_preserved(parent, place) for parent in parents)

    def _is_preserved(self, parent: RecordRegistry, place: RecordPath) -> bool:
        """Say whether a parent's record lives on in the merge, or may be missing there.

        A promotion never may, whatever else the history says of the stage.
        """
        moved_record = _read_record(parent, place)
        for candidate in _read_candidates(self.result, place):
            if _says_its_number(moved_record) or _says_its_number(candidate):
                continue
            if self._is_same_record(parent, moved_record, candidate):
                return True
        if place.kind != "approval":
            return False
        # An approval is of one record: what got another number has to be approved again.
        return self._find_new_number(parent, place.model, moved_record.version) is not None

    def _is_same_record(
        self, parent: RecordRegistry, moved: NumberedRecord, candidate: NumberedRecord
    ) -> bool:
        """Say whether two records are equal, and so is what they are about, but for numbers."""
        if strip_numbering(candidate) != strip_numbering(moved):
            return False
        if isinstance(moved, PromotionRecord) and moved.action == "retire":
            # It names the version that held the stage, which may be another one in the merge.
            return True
        subjects = zip(_name_subjects(moved), _name_subjects(candidate), strict=True)
        return all(self._is_same_subject(parent, moved, old, new) for old, new in subjects)

    def _is_same_subject(
        self,
        parent: RecordRegistry,
        moved: NumberedRecord,
        old_number: str | None,
        new_number: str | None,
    ) -> bool:
        """Say whether the number of a version that a record is about is still that version's."""
        if old_number is None or new_number is None or old_number == new_number:
            return old_number == new_number
        if new_number == self._find_new_number(parent, moved.model, old_number):
            return True
        if not isinstance(moved, VersionRecord):
            return False
        renumbered = find_renumbered_version(self.repository, self.result, moved, old_number)
        return new_number == str(renumbered)

    def _find_new_number(self, parent: RecordRegistry, model: str, version: str) -> str | None:
        """Find the number that a parent's version has in the merge.

        None if it kept its own, or if the merge does not have it.
        """
        record, _ = parent.read_version(model, version)
        content = strip_numbering(record)
        for number in self.result.list_versions(model):
            if str(number) == version:
                continue
            candidate, _ = self.result.read_version(model, number)
            if strip_numbering(candidate) == content:
                return str(number)
        return None


def _says_its_number(record: NumberedRecord) -> bool:
    """Say whether a record of this kind and format would say itself which number it had."""
    return isinstance(record, VersionRecord | PromotionRecord) and record.format > 1


def _have_collision(first: CommittedRecords, second: CommittedRecords, model: str) -> bool:
    """Say whether both trees have some record of the model, each with other contents."""
    folder = f"{layout.MODELS}/{model}/"
    for path, entry in second.entries.items():
        if not path.startswith(folder) or not layout.is_record_path(path):
            continue
        first_entry = first.entries.get(path)
        if first_entry is not None and first_entry != entry:
            return True
    return False


def _name_subjects(record: NumberedRecord) -> tuple[str | None, ...]:
    """Name the versions that a record is about: of a version itself, those that it follows."""
    if isinstance(record, VersionRecord):
        return record.previous, record.parent
    if isinstance(record, RetirementRecord):
        return record.version, record.successor
    return (record.version,)


def _read_record(records: RecordRegistry, place: RecordPath) -> NumberedRecord:
    match place:
        case VersionPath(model, version):
            record, _ = records.read_version(model, version)
            return record
        case PromotionPath(model, stage, sequence):
            promotion, _ = records.read_promotion(model, stage, sequence)
            return promotion
        case SettingsPath():
            raise AssertionError(place)
    return read_attached(records, place)


def _read_candidates(records: RecordRegistry, place: RecordPath) -> Iterator[NumberedRecord]:
    """Yield the records of a place's kind, of its model and stage, whatever their version."""
    match place:
        case PromotionPath():
            for promotion, _ in records.read_history(place.model, place.stage):
                yield promotion
        case VersionPath():
            for number in records.list_versions(place.model):
                record, _ = records.read_version(place.model, number)
                yield record
        case AttachedPath(version=None, stage=stage):
            yield from CHAINS[place.kind].read_all(records, place.model, stage or "")
        case AttachedPath():
            for number in records.list_versions(place.model):
                yield from _read_kind(records, place, number)


def _read_kind(
    records: RecordRegistry, place: AttachedPath, number: Version
) -> Iterator[AttachedRecord]:
    """Yield the records of a place's kind, and stage, that are about the version `number`."""
    if place.kind == "evaluation":
        for evaluation, _ in records.read_evaluations(place.model, number):
            yield evaluation
    elif place.kind == "approval":
        for approval, _ in records.read_approvals(place.model, number, place.stage):
            yield approval
    else:
        yield from CHAINS[place.kind].read_all(records, place.model, number)
