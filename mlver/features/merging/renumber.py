"""What becomes of the records of the side that gives way: new numbers, new places, and what cannot
come along.

Everything is read from commits, so the result is the same whatever a conflict left in the work
tree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.features.merging.attached_moves import move_attached_records
from mlver.features.merging.authorisation_moves import move_authorisations
from mlver.features.merging.current_versions import CurrentVersions
from mlver.features.merging.deployment_moves import CurrentNames, move_deployments
from mlver.features.merging.outcomes import (
    MergeRecords,
    RecordOutcome,
    RewrittenRecord,
)
from mlver.features.merging.promotion_moves import move_promotions
from mlver.features.merging.seal_moves import move_seals
from mlver.features.merging.version_moves import VersionMove, move_versions
from mlver.findings import Finding
from mlver.policy.renumbering import RecordCopy
from mlver.project.history.renumbered import read_claimants
from mlver.project.project import Project
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.layout import RecordPath, SettingsPath, VersionPath
from mlver.records.references import VersionReference


@dataclass(frozen=True, slots=True)
class RenumberedSide:
    """`files` is what every path concerned is to hold in the end (None: nothing).

    `versions` are the former references of the versions whose records changed, each with its model.
    """

    files: Mapping[str, bytes | None]
    rewritten: tuple[RewrittenRecord, ...]
    dropped: tuple[Finding, ...]
    versions: tuple[tuple[str, VersionReference], ...]

    @property
    def vacated_paths(self) -> list[str]:
        """The paths at which the side that gives way had a record that is no longer that record."""
        vacated_paths = [record.old for record in self.rewritten]
        for dropped in self.dropped:
            vacated_paths.append(dropped.subject)
        return vacated_paths


def _find_moved(
    kept: RecordRegistry, places: Sequence[tuple[str, RecordPath]]
) -> dict[tuple[str, Digest], RecordCopy]:
    """The kept copies of versions that were renumbered before, by what they were."""
    models = dict.fromkeys(parsed_path.model for _, parsed_path in places)
    moved: dict[tuple[str, Digest], RecordCopy] = {}
    for copy in read_claimants(kept, models):
        if copy.former_key is not None:
            moved.setdefault(copy.former_key, copy)
    return moved


def renumber_records(
    project: Project,
    kept: CommittedRecords,
    own: CommittedRecords,
    base: CommittedRecords,
    *,
    replayed: bool,
) -> RenumberedSide:
    """Place the records of `own` beside those of `kept`; `base` is what both sides began with.

    `replayed`: the commit to be made is no merge.
    """
    authorisations = move_authorisations(kept, own, base)
    places = _list_own_records(kept, own, base)
    own.fetch_files(path for path, _ in places)
    kept_registry = RecordRegistry(kept)
    records = MergeRecords(
        kept=kept_registry,
        own=RecordRegistry(own),
        base=RecordRegistry(base),
        kept_paths=kept.entries.keys(),
        places=places,
        moved=_find_moved(kept_registry, places),
        replayed=replayed,
    )
    moved_versions = move_versions(project, records)
    versions = _sort_references(records.kept, moved_versions)
    # In this order: an approval names a version's record, and a promotion names approvals.
    attached = move_attached_records(records, versions)
    approvals = _map_approvals(records.own, attached)
    promotions = move_promotions(records, versions, approvals)
    outcomes: list[RecordOutcome] = [version.move for version in moved_versions]
    seal_places, seals = move_seals(records, attached)
    outcomes += [*attached, *seals, *promotions, *authorisations.outcomes]
    names = CurrentNames.collect(versions, [*attached, *promotions])
    deployments = move_deployments(kept, own, base, names)
    outcomes += deployments.outcomes
    concerned = [*(path for path, _ in places), *seal_places, *authorisations.places]
    concerned += deployments.places
    return _build_renumbering(records, concerned, outcomes, tuple(versions.changed))


def _list_own_records(
    kept: CommittedRecords, own: CommittedRecords, base: CommittedRecords
) -> list[tuple[str, RecordPath]]:
    """The own records, numbered ones in their order."""
    places: list[tuple[str, RecordPath]] = []
    for record_path, entry in own.entries.items():
        parsed_path = layout.parse_path(record_path)
        if parsed_path is None or parsed_path.kind == "model":
            continue
        if record_path not in base.entries and kept.entries.get(record_path) != entry:
            places.append((record_path, parsed_path))
    return sorted(places, key=_order_places)


def _order_places(listed: tuple[str, RecordPath]) -> tuple[str, str, int, str]:
    record_path, parsed_path = listed
    sequence = 0
    if not isinstance(parsed_path, VersionPath | SettingsPath):
        sequence = parsed_path.sequence
    return parsed_path.model, parsed_path.kind, sequence, record_path


def _sort_references(kept: RecordRegistry, moves: Sequence[VersionMove]) -> CurrentVersions:
    changed: dict[tuple[str, VersionReference], VersionReference] = {}
    unchanged: set[tuple[str, VersionReference]] = set()
    for version in moves:
        if version.move.rewritten is None:
            unchanged.add((version.model, version.former))
        else:
            changed[version.model, version.former] = version.current
    return CurrentVersions(kept, changed, unchanged)


def _map_approvals(own: RecordRegistry, outcomes: Sequence[RecordOutcome]) -> dict[Digest, Digest]:
    """The new digest of each record that was rewritten, by its former one."""
    digests: dict[Digest, Digest] = {}
    for outcome in outcomes:
        if isinstance(outcome, Finding) or outcome.rewritten is None:
            continue
        former = own.read_file(outcome.rewritten.old)
        digests[Digest.of_bytes(former or b"")] = Digest.of_bytes(outcome.data or b"")
    return digests


def _build_renumbering(
    records: MergeRecords,
    concerned: Sequence[str],
    outcomes: Sequence[RecordOutcome],
    versions: tuple[tuple[str, VersionReference], ...],
) -> RenumberedSide:
    # A place that an own record leaves belongs to the kept side again.
    file_contents = {path: records.kept.read_file(path) for path in concerned}
    rewritten: list[RewrittenRecord] = []
    dropped: list[Finding] = []
    for outcome in outcomes:
        if isinstance(outcome, Finding):
            dropped.append(outcome)
            continue
        file_contents[outcome.path] = outcome.data
        if outcome.rewritten is not None:
            rewritten.append(outcome.rewritten)
    return RenumberedSide(file_contents, tuple(rewritten), tuple(dropped), versions)
