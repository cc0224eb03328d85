"""The versions of the side that gives way: the numbers they get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.document import codec
from mlver.document.schema import NEWEST_FORMATS
from mlver.features.merging.outcomes import MergeRecords, RecordMove, RewrittenRecord
from mlver.policy.renumber import renumber_versions
from mlver.project.history.parents import find_renumbered_version
from mlver.project.project import Project
from mlver.project.tags import seals
from mlver.records import layout
from mlver.records.references import Renumbering, VersionReference
from mlver.records.version import VersionRecord
from mlver.version import Version, parse_version, sort_versions

OwnVersions = Mapping[Version, tuple[VersionRecord, Digest]]


@dataclass(frozen=True, slots=True)
class VersionMove:
    """A version's move, and its references before and after it."""

    move: RecordMove
    model: str
    former: VersionReference
    current: VersionReference


def move_versions(project: Project, records: MergeRecords) -> list[VersionMove]:
    """Give every own version a number that the kept side has not."""
    version_moves: list[VersionMove] = []
    for model in records.list_models():
        own_versions = _read_own_versions(records, model)
        known_moves = _find_known_moves(records, model, own_versions)
        version_moves += known_moves.values()
        own_versions = {
            number: own for number, own in own_versions.items() if number not in known_moves
        }
        numbers = _find_numbers(project, records, model, own_versions, known_moves)
        for number in sort_versions(own_versions):
            record, digest = own_versions[number]
            version_moves.append(_move_version(records, record, digest, numbers))
    return version_moves


def _read_own_versions(records: MergeRecords, model: str) -> OwnVersions:
    own_versions: dict[Version, tuple[VersionRecord, Digest]] = {}
    for _, parsed_path in records.places:
        if parsed_path.kind == "version" and parsed_path.model == model:
            version_name = parsed_path.version
            own_versions[parse_version(version_name)] = records.own.read_version(
                model, version_name
            )
    return own_versions


def _find_known_moves(
    records: MergeRecords, model: str, own: OwnVersions
) -> dict[Version, VersionMove]:
    """Find the own versions that the kept side has already, under other numbers."""
    known_moves: dict[Version, VersionMove] = {}
    for number, (record, digest) in own.items():
        known = records.find_moved(record.record_path, digest)
        if known is None:
            continue
        move, copy = known
        former = VersionReference(record.version, digest)
        current = VersionReference(copy.record.version, copy.digest)
        known_moves[number] = VersionMove(move, model, former, current)
    return known_moves


def _find_numbers(
    project: Project,
    records: MergeRecords,
    model: str,
    own: OwnVersions,
    known_moves: Mapping[Version, VersionMove],
) -> dict[Version, Version]:
    """The new number of each version that has one: own ones, and parents that were renumbered
    earlier.
    """
    moved_parents = _find_moved_parents(project, records, own)
    for number, known in known_moves.items():
        moved_parents[number] = parse_version(known.current.version)
    tagged = seals.list_tagged_versions(project, model) - set(own) - set(known_moves)
    # A tag may be of a version that is on neither side: its number is used up all the same.
    taken_numbers = {*records.kept.list_versions(model), *tagged}
    numbers = renumber_versions(
        own, records.base.list_versions(model), taken_numbers, moved_parents
    )
    return {**moved_parents, **numbers}


def _find_moved_parents(
    project: Project, records: MergeRecords, own: OwnVersions
) -> dict[Version, Version]:
    """The versions that own ones follow, and that got another number earlier, in a step of the same
    rebase.

    Which record a version means by such a number is told by the commit it was registered on.
    """
    moved_parents: dict[Version, Version] = {}
    for record, _ in own.values():
        for followed in record.followed_versions:
            if parse_version(followed) in own:
                continue
            renumbered = find_renumbered_version(project.repository, records.kept, record, followed)
            if renumbered is not None:
                moved_parents[parse_version(followed)] = renumbered
    return moved_parents


def _move_version(
    records: MergeRecords, record: VersionRecord, digest: Digest, numbers: Mapping[Version, Version]
) -> VersionMove:
    model = record.model
    number = parse_version(record.version)
    new_number = numbers.get(number, number)
    parent = _find_number(record.parent, numbers)
    previous = _find_number(record.previous, numbers)
    former = VersionReference(str(number), digest)
    record_path = layout.version_path(model, new_number)
    # A record that nothing changes keeps its bytes, even if an older mlver wrote them otherwise.
    changed = replace(record, version=str(new_number), parent=parent, previous=previous)
    if changed == record:
        unchanged_move = RecordMove(record_path, records.own.read_file(record_path))
        return VersionMove(unchanged_move, model, former, former)
    renumbered = Renumbering(number=record.version, record=digest)
    changed = replace(changed, format=NEWEST_FORMATS["version"], renumbered=renumbered)
    project_schema = records.kept.read_file(layout.VERSION_SCHEMA)
    record_bytes = codec.encode_document("version", changed.to_document(), project_schema)
    current = VersionReference(str(new_number), Digest.of_bytes(record_bytes))
    reason = _explain_version_move(records, record, changed)
    former_path = layout.version_path(model, number)
    rewritten = RewrittenRecord(former_path, record_path, reason)
    move = RecordMove(record_path, record_bytes, rewritten)
    return VersionMove(move, model, former, current)


def _find_number(version: str | None, numbers: Mapping[Version, Version]) -> str | None:
    """The number that a version has now; None for none."""
    if version is None:
        return None
    return str(numbers.get(parse_version(version), version))


def _explain_version_move(records: MergeRecords, old: VersionRecord, new: VersionRecord) -> str:
    if new.parent != old.parent and new.version == old.version:
        return f"its parent {old.parent} is {new.parent} now"
    if new.version == old.version:
        return f"the version before it, {old.previous}, is {new.previous} now"
    if parse_version(old.version) in records.kept.list_versions(old.model):
        return f"{old.version} is taken by the other side"
    return "the number it counts from has moved"
