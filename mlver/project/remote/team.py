"""The remotes of a repository as stores of contents by digest, whatever serves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlver.errors import UsageError
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote, choose_remotes
from mlver.project.remote.lfs_remote import is_lfs_address, open_lfs
from mlver.project.remote.trust import require_trusted
from mlver.storage.remote.blobs import BlobStore
from mlver.storage.remote.open import open_blobs
from mlver.storage.remote.team import open_team_store
from mlver.storage.remote.team_store import TeamStore


@dataclass(frozen=True, slots=True)
class TeamRemote:
    """A remote that is trusted and open. Nothing was asked of it yet.

    `remote` says where it is. `blobs` is None where it keeps contents by digest alone, as git-lfs
    does: nothing can be pinned or collected there.
    """

    remote: ConfiguredRemote
    store: TeamStore
    blobs: BlobStore | None

    @property
    def name(self) -> str:
        return self.remote.name


def open_team(project: Project, remote: ConfiguredRemote) -> TeamRemote:
    """Open a remote that is trusted.

    Raise MlverError where no back-end serves its address, UsageError where the project is offline.
    """
    if project.offline:
        raise UsageError(f"--offline asks no remote, and {remote.name} is one")
    if is_lfs_address(remote.settings.url):
        return TeamRemote(remote, open_lfs(project, remote.settings.url), None)
    blobs = open_blobs(remote.settings.url, remote.settings.options)
    return TeamRemote(remote, open_team_store(blobs, project.remotes_directory), blobs)


def open_remotes(
    project: Project,
    names: Sequence[str] = (),
    *,
    confirmed: bool = False,
    remember: bool = True,
) -> tuple[TeamRemote, ...]:
    """Open the remotes of these names, or the default one; see `choose_remotes`.

    Raise MlverError for a remote that nobody trusts (see `require_trusted`), and where no back-end
    serves its address.
    """
    remotes = choose_remotes(project, names)
    require_trusted(project, remotes, confirmed=confirmed, remember=remember)
    return tuple(open_team(project, remote) for remote in remotes)
