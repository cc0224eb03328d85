"""Two commits' files below `.mlver/`, side by side, and which of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.layout import (
    AttachedPath,
    PromotionPath,
    VersionPath,
)
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
        return (*self._list_paths("changed"), *self._list_paths("removed"))

    def _list_paths(self, wanted: FileState) -> list[str]:
        return sorted(path for path, state in self.states.items() if state == wanted)


def compare_trees(project: Project, *, base: str, head: str, other: str) -> BranchChanges:
    """Compare two commits; the contents of every file that differs are read at once."""
    base_records = CommittedRecords.at_commit(project.repository, base)
    head_records = CommittedRecords.at_commit(project.repository, head)
    # With `A..B`, the branch to merge into is the base itself, and is not read twice.
    other_records = base_records
    if other != base:
        other_records = CommittedRecords.at_commit(project.repository, other)
    states = _find_states(base_records, head_records)
    # All at once: to ask git for every file on its own would take a process each.
    base_records.fetch_files(states)
    head_records.fetch_files(states)
    added_paths = [path for path, state in states.items() if state == "added"]
    return BranchChanges(
        base=base_records,
        head=head_records,
        other=other_records,
        base_project=replace(project, registry=RecordRegistry(base_records)),
        head_project=replace(project, registry=RecordRegistry(head_records)),
        added=tuple(sorted(added_paths, key=_record_sort_key)),
        states=states,
    )


def _find_states(base: CommittedRecords, head: CommittedRecords) -> dict[str, FileState]:
    states: dict[str, FileState] = {}
    for file_path, entry in head.entries.items():
        if file_path not in base.entries:
            states[file_path] = "added"
        elif entry != base.entries[file_path]:
            states[file_path] = "changed"
    for file_path in base.entries:
        if file_path not in head.entries:
            states[file_path] = "removed"
    return states


def _record_sort_key(path: str) -> tuple[object, ...]:
    """Models by name, a model's versions by number, promotions by sequence; other files last."""
    parsed_path = layout.parse_path(path)
    if parsed_path is None:
        return (1, path)
    numbers = []
    stage = ""
    sequence = 0
    match parsed_path:
        case VersionPath():
            numbers.append(parse_version(parsed_path.version))
        case PromotionPath() | AttachedPath():
            stage = parsed_path.stage or ""
            sequence = parsed_path.sequence
    return (0, parsed_path.model, parsed_path.kind, numbers, stage, sequence, path)
