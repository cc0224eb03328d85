"""Two commits' files below `.mlver/`, side by side, and which of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.layout import ApprovalPath, EvaluationPath, PromotionPath, VersionPath
from mlver.version import parse_version

FileState = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchChanges:
    """What a branch did from `base` to `head`; `other` is the branch it would be merged into.

    `states` has every path that differs. `added` are those that are new, records in their order.
    """

    base: CommittedRecords
    head: CommittedRecords
    other: CommittedRecords
    base_project: Project
    head_project: Project
    added: tuple[str, ...]
    states: Mapping[str, FileState]

    @property
    def landed(self) -> tuple[str, ...]:
        """The paths that `base` has and that are not the same in `head`: the changed ones first."""
        changed = [path for path, state in self.states.items() if state == "changed"]
        removed = [path for path, state in self.states.items() if state == "removed"]
        return (*sorted(changed), *sorted(removed))


def compare_trees(project: Project, *, base: str, head: str, other: str) -> BranchChanges:
    """Compare two commits; the contents of every file that differs are read at once."""
    base_records = CommittedRecords.at_commit(project.repository, base)
    head_records = CommittedRecords.at_commit(project.repository, head)
    other_records = base_records
    if other != base:
        other_records = CommittedRecords.at_commit(project.repository, other)
    states = _find_states(base_records, head_records)
    base_records.fetch_files(states)
    head_records.fetch_files(states)
    added = [path for path, state in states.items() if state == "added"]
    return BranchChanges(
        base=base_records,
        head=head_records,
        other=other_records,
        base_project=replace(project, registry=RecordRegistry(base_records)),
        head_project=replace(project, registry=RecordRegistry(head_records)),
        added=tuple(sorted(added, key=_record_sort_key)),
        states=states,
    )


def _find_states(base: CommittedRecords, head: CommittedRecords) -> dict[str, FileState]:
    states: dict[str, FileState] = {}
    for path, entry in head.entries.items():
        if path not in base.entries:
            states[path] = "added"
        elif entry != base.entries[path]:
            states[path] = "changed"
    for path in base.entries:
        if path not in head.entries:
            states[path] = "removed"
    return states


def _record_sort_key(path: str) -> tuple[object, ...]:
    """Models by name, a model's versions by number, promotions by sequence; other files last."""
    place = layout.parse_path(path)
    if place is None:
        return (1, path)
    numbers = []
    stage = ""
    sequence = 0
    match place:
        case VersionPath():
            numbers.append(parse_version(place.version))
        case EvaluationPath():
            sequence = place.sequence
        case PromotionPath() | ApprovalPath():
            stage = place.stage
            sequence = place.sequence
    return (0, place.model, place.kind, numbers, stage, sequence, path)
