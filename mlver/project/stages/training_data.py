"""What a version was trained on, with what that data may be used for: for the gate `authorised`.

A withdrawal counts as soon as it has landed on the main branch, though the work tree may not have
it yet, and as soon as the work tree has it; a grant counts where HEAD has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlver.digest import Digest
from mlver.git import trees
from mlver.git.main_branch import find_main_branch
from mlver.policy.authorisation import TrainedData, TrainingData
from mlver.project.history.data_uses import list_data_sets
from mlver.project.project import Project
from mlver.project.registry.as_committed import list_committed, require_as_committed
from mlver.project.registry.authorisations import (
    list_authorised,
    read_authorisations,
    select_held_files,
)
from mlver.project.registry.committed import CommittedRecords, list_folders
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.authorisation import AuthorisationRecord
from mlver.records.version import VersionRecord

_Chains = Mapping[Digest, Sequence[AuthorisationRecord]]


def read_training(project: Project, record: VersionRecord) -> TrainingData:
    """Read all data that a version was trained on, and the authorisations of each.

    Raise MlverError where an authorisation that HEAD has is missing in the work tree, or cannot be
    read: nobody knows what it forbids.
    """
    require_as_committed(project.repository, project.registry, layout.AUTHORISATIONS)
    found, unread = list_data_sets(project.registry, record)
    own = _drop_uncommitted(project, _read_chains(project.registry))
    landed = _read_landed(project)
    data: list[TrainedData] = []
    for version, name, digest in found:
        files = _list_files(project, digest, own, landed)
        data.append(
            TrainedData(
                name=f"{version}:{name}",
                records=own.get(digest, ()),
                withdrawn_elsewhere=_list_withdrawals(own, landed, digest),
                files=files,
            )
        )
    return TrainingData(data=tuple(data), unread=tuple(unread), today=project.record_time)


def _read_chains(registry: RecordRegistry) -> _Chains:
    digests = list_authorised(registry)
    return {digest: tuple(read_authorisations(registry, digest)) for digest in digests}


def _drop_uncommitted(project: Project, chains: _Chains) -> _Chains:
    """Leave out the grants that only the work tree has."""
    committed = list_committed(project.repository, layout.AUTHORISATIONS)
    kept: dict[Digest, Sequence[AuthorisationRecord]] = {}
    for digest, chain in chains.items():
        kept[digest] = [
            record
            for record in chain
            if record.action == "withdraw" or record.record_path in committed
        ]
    return kept


def _read_landed(project: Project) -> _Chains:
    """Read the authorisations of the main branch; none where there is no such branch."""
    main = find_main_branch(project.repository).reference
    if main is None:
        return {}
    entries = trees.committed_files(project.repository, main, layout.AUTHORISATIONS)
    if not entries:
        return {}
    source = CommittedRecords(project.repository, entries, list_folders(entries))
    source.fetch_files(entries)
    return _read_chains(RecordRegistry(source))


def _list_withdrawals(
    own: _Chains, landed: _Chains, digest: Digest
) -> tuple[AuthorisationRecord, ...]:
    """List the withdrawals of the main branch that the work tree does not have."""
    known = own.get(digest, ())
    return tuple(
        record
        for record in landed.get(digest, ())
        if record.action == "withdraw" and record not in known
    )


def _list_files(
    project: Project, digest: Digest, own: _Chains, landed: _Chains
) -> tuple[Sequence[AuthorisationRecord], ...]:
    """List the chains of single files that a directory holds; a file holds none."""
    parts = select_held_files(project.registry, digest, dict.fromkeys([*own, *landed]))
    return tuple((*own.get(part, ()), *_list_withdrawals(own, landed, part)) for part in parts)
