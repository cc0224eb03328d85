"""Seals that stayed here when their records went: git pushes branches, and no tag with them.

Whoever misses what the hook said then is told again, until the remote has them. The remote is asked
once for each state of the seals here.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.git import remotes
from mlver.git.git_tag import GitTag
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.project.tags import held_back_seals
from mlver.project.tags.missing_seals import SealableRecord
from mlver.records import layout
from mlver.records.tags import read_tag_name
from mlver.system import durable
from mlver.system.regular import read_regular

_SHOWN_BYTES = 200


def find_stranded_seals(
    project: Project, remote: str, named: Collection[str]
) -> tuple[Finding, ...]:
    """Find the seals that a remote lacks of records that its branches have; one finding for all.

    `named` are those that were told of already. A remote that cannot be asked is passed over: the
    push itself says so.
    """
    if project.offline or remote not in remotes.list_remotes(project.repository):
        return ()
    seals = _list_seals(project.repository)
    state = _describe_state(remote, seals)
    noted = project.remotes_directory / f"seals-{Digest.of_bytes(remote.encode()).hex[:32]}"
    if not seals or _is_noted(noted, state):
        return ()
    try:
        published = remotes.list_published(project.repository, remote)
    except MlverError:
        return ()
    lacking = {name: tag for name, tag in seals.items() if name not in published.tags}
    if not lacking:
        # It may be noted or not: then the remote is asked once more.
        with suppress(OSError):
            durable.make_directory(noted.parent)
            durable.write_file(noted, state)
        return ()
    stranded = _select_landed(project.repository, remote, published.tips, lacking)
    stranded = [name for name in stranded if name not in named]
    return (_describe_stranded(remote, stranded),) if stranded else ()


def _list_seals(repository: GitRepository) -> dict[str, GitTag]:
    seals: dict[str, GitTag] = {}
    for name, tag in repository.tags("refs/tags/*@*").items():
        if tag.seals and tag.commit is not None and read_tag_name(name) is not None:
            seals[name] = tag
    return seals


def _describe_state(remote: str, seals: dict[str, GitTag]) -> bytes:
    lines = [f"{name} {tag.object_id}" for name, tag in sorted(seals.items())]
    return str(Digest.of_bytes("\n".join([remote, *lines]).encode())).encode()


def _is_noted(path: Path, state: bytes) -> bool:
    try:
        return read_regular(path, _SHOWN_BYTES, follow=False) == state
    except OSError:
        return False


def _select_landed(
    repository: GitRepository, remote: str, tips: Collection[str], seals: dict[str, GitTag]
) -> list[str]:
    """Select the seals whose records a branch of the remote has."""
    places: dict[SealableRecord, str] = {}
    for name, tag in seals.items():
        tag_name = read_tag_name(name)
        if tag_name is not None and tag.commit is not None:
            places[SealableRecord(layout.record_path(tag_name), name)] = tag.commit
    unsent = held_back_seals.find_unsent(repository, remote, tips, places)
    return [record.tag for record in places if record.path not in unsent]


def _describe_stranded(remote: str, names: list[str]) -> Finding:
    count = f"and {len(names) - 1:,} more seals are" if len(names) > 1 else "is"
    message = f"{count} not at {remote} yet, though the records are: bring them"
    return Finding("tag", names[0], message, ("mlver tag --push",))
