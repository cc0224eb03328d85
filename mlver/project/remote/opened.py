"""The remotes of a repository, opened: trusted, and with a back-end that serves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote, choose_remotes
from mlver.project.remote.trust import require_trusted
from mlver.storage.remote.open import open_blobs
from mlver.storage.remote.retrying import RetryingBlobs


@dataclass(frozen=True, slots=True)
class OpenedRemote:
    """A remote that is trusted, with its blobs. Opening it has asked nothing of it yet."""

    name: str
    remote: ConfiguredRemote
    blobs: RetryingBlobs


def open_remotes(
    project: Project, names: Sequence[str] = (), *, confirmed: bool = False
) -> tuple[OpenedRemote, ...]:
    """Open the remotes of these names, or the default one; see `choose_remotes`.

    Raise MlverError for a remote that nobody trusts (see `require_trusted`), and where no back-end
    serves its address.
    """
    remotes = choose_remotes(project, names)
    require_trusted(project, remotes, confirmed=confirmed)
    return tuple(open_remote(remote) for remote in remotes)


def open_remote(remote: ConfiguredRemote) -> OpenedRemote:
    """Open a remote that is trusted."""
    blobs = open_blobs(remote.settings.url, remote.settings.options)
    return OpenedRemote(remote.name, remote, blobs)
