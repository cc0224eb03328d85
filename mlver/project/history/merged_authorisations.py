"""What a merge made of its parents' authorisations.

Two branches wrote about the same data, so they claimed the same number, and one of them gave way.
Its records live on behind those of the other, whole but for their numbers. A grant that did not
know of a withdrawal on the other side may be missing: it has to be given again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.authorisation import is_ended_by
from mlver.project.registry.authorisations import read_authorisations
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.authorisation import AuthorisationRecord


def has_authorisation_moved(
    result: RecordRegistry, parents: Sequence[CommittedRecords], path: str
) -> bool:
    """Say whether a merge kept, elsewhere, every parent's authorisation that it took from `path`,
    or had to leave it out.
    """
    place = layout.parse_authorisation(path)
    if place is None or not _have_collision(parents, place.data):
        return False
    try:
        kept = result.read_file(path)
        losing: list[CommittedRecords] = []
        for tree in parents:
            data = tree.read_file(path)
            if data is not None and data != kept:
                losing.append(tree)
        # A merge that took the record from no parent did not move it either.
        if not losing or len(losing) == len(parents):
            return False
        return all(_is_preserved(result, tree, place) for tree in losing)
    except MlverError:
        # A record that cannot be read cannot be shown to live on.
        return False


def _have_collision(parents: Sequence[CommittedRecords], data: Digest) -> bool:
    """Say whether two parents hold different records of this data under one name."""
    folder = f"{layout.authorisations_folder(data)}/"
    contents: dict[str, str] = {}
    for tree in parents:
        for path, entry in tree.entries.items():
            if not path.startswith(folder):
                continue
            if contents.setdefault(path, entry.object_id) != entry.object_id:
                return True
    return False


def _is_preserved(
    result: RecordRegistry, tree: CommittedRecords, place: layout.AuthorisationPath
) -> bool:
    former = read_authorisations(RecordRegistry(tree), place.data)
    moved = next(record for record in former if record.sequence == place.sequence)
    current = read_authorisations(result, place.data)
    known = [_strip_numbering(record) for record in former]
    if _strip_numbering(moved) in [_strip_numbering(record) for record in current]:
        return True
    added = [record for record in current if _strip_numbering(record) not in known]
    return any(is_ended_by(moved, record) for record in added)


def _strip_numbering(record: AuthorisationRecord) -> AuthorisationRecord:
    return replace(record, format=0, sequence=0, prior=None)
