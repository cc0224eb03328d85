"""Seals that a push brings of records that no branch of the other side has.

A record whose seal was pushed keeps its number, so it must not have to give way to another record
that lands under the same number first.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlver.errors import MlverError
from mlver.features.hooks.updates import BRANCHES, TAGS, RefUpdate
from mlver.findings import Finding
from mlver.git import remotes
from mlver.git.changes_in import is_absent
from mlver.git.repository import GitRepository
from mlver.project.tags import held_back_seals
from mlver.project.tags.missing_seals import SealableRecord
from mlver.records import layout
from mlver.records.tags import read_tag_name


def find_unsent_seals(
    repository: GitRepository, remote: str, updates: Sequence[RefUpdate]
) -> tuple[Finding, ...]:
    """Find the new seals of a push to `remote` whose records neither it nor the push has."""
    places = _list_places(repository, updates)
    tips: list[str] = []
    for update in updates:
        if update.ref.startswith(BRANCHES) and not is_absent(update.new):
            tips.append(update.new)
    unsent = held_back_seals.find_unsent(repository, remote, tips, places)
    if not unsent:
        return ()
    # A clone of one branch is not told what it pushed to another one.
    try:
        tips += remotes.list_published(repository, remote).tips
    except MlverError:
        return ()
    return tuple(held_back_seals.find_unsent(repository, remote, tips, places).values())


def _list_places(
    repository: GitRepository, updates: Sequence[RefUpdate]
) -> dict[SealableRecord, str]:
    """List the records that new tags of a push seal, each with the commit of its tag."""
    object_ids: dict[str, str] = {}
    for update in updates:
        if update.ref.startswith(TAGS) and is_absent(update.old) and not is_absent(update.new):
            object_ids[update.ref.removeprefix(TAGS)] = update.new
    places: dict[SealableRecord, str] = {}
    for name, tag in repository.tag_objects(object_ids).items():
        tag_name = read_tag_name(name)
        if tag_name is not None and tag.seals and tag.commit is not None:
            places[SealableRecord(layout.record_path(tag_name), name)] = tag.commit
    return places
