"""Whether others could get a version: its objects from remotes, its record from a branch there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlver.errors import MlverError, summarise_error
from mlver.git import changes_in
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote, list_remotes
from mlver.project.remote.needed import list_needed
from mlver.project.remote.team import open_team
from mlver.project.remote.trusted_places import is_trusted
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet


@dataclass(frozen=True, slots=True)
class RemoteHoldings:
    """Which of some objects a remote lacks; None where it could not be asked, with the `reason`."""

    remote: str
    missing: DigestSet | None
    reason: str | None = None


def ask_remotes(project: Project, needed: DigestSet) -> tuple[RemoteHoldings, ...]:
    """Ask every remote of the repository, over the network, which of these objects it lacks."""
    return tuple(_ask_remote(project, remote, needed) for remote in list_remotes(project))


def _ask_remote(project: Project, remote: ConfiguredRemote, needed: DigestSet) -> RemoteHoldings:
    if project.offline:
        return RemoteHoldings(remote.name, None, "--offline asks no remote")
    try:
        if not is_trusted(remote.place):
            return RemoteHoldings(remote.name, None, "nobody on this machine has confirmed it")
        missing = open_team(project, remote).store.find_missing(dict.fromkeys(needed))
    except MlverError as error:
        return RemoteHoldings(remote.name, None, summarise_error(error))
    return RemoteHoldings(remote.name, DigestSet.from_digests(missing))


def list_holders(
    project: Project, record: VersionRecord, holdings: Iterable[RemoteHoldings]
) -> list[str]:
    """List the remotes that have every object of a version."""
    needed = list_needed(project, [record])
    holders: list[str] = []
    for holding in holdings:
        if holding.missing is None:
            continue
        if all(holding.missing.find_rank(raw) is None for raw in needed.raw_digests()):
            holders.append(holding.remote)
    return holders


def find_published(project: Project, paths: Sequence[str]) -> frozenset[str]:
    """Find those of these records that a branch of some remote of git has, as it was fetched last.

    A record counts only with the very bytes that HEAD has.
    """
    repository = project.repository
    listing = repository.process.read(["for-each-ref", "--format=%(objectname)", "refs/remotes/"])
    tips = list(dict.fromkeys(listing.decode().split()))
    ours = changes_in.find_objects(repository, [f"HEAD:{path}" for path in paths])
    published: set[str] = set()
    for tip in tips:
        theirs = changes_in.find_objects(repository, [f"{tip}:{path}" for path in paths])
        for path, own, other in zip(paths, ours, theirs, strict=True):
            if own is not None and other is not None and own.object_id == other.object_id:
                published.add(path)
    return frozenset(published)
