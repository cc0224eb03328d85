"""The remote that a command line names: by its name in the settings, or by its address."""

from __future__ import annotations

import os

from mlver.errors import UsageError
from mlver.policy.remote_addresses import hide_secrets
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote, find_remote
from mlver.project.remote.team import TeamRemote, open_team
from mlver.project.remote.trust import require_trusted
from mlver.records.sections.remotes import RemoteSettings
from mlver.storage.remote.open import parse_address


def find_named(project: Project, named: str) -> ConfiguredRemote:
    """Find the remote of this name, or take an address as it was typed.

    A path is typed from where the person stands. Raise UsageError for what is neither, for an
    address that cannot be used, and where no remote is to be asked; MlverError where the repository
    has no remotes.
    """
    if project.offline:
        raise UsageError(
            "--offline and MLVER_OFFLINE ask no remote, and --remote is about nothing else",
            hint="mlver du",
        )
    if "/" not in named:
        return find_remote(project, named)
    address = named
    if "://" not in named:
        address = os.path.normpath(project.start / named)
    remote = ConfiguredRemote(address, RemoteSettings(url=address))
    if remote.fault is not None:
        raise UsageError(
            f"{hide_secrets(named)} is no address of a remote: {remote.fault}",
            hint="mlver remote list",
        )
    return remote


def read_scheme(remote: ConfiguredRemote) -> str:
    """The scheme of a remote's address; empty for a path."""
    return parse_address(remote.settings.url, {}).scheme


def open_named(project: Project, remote: ConfiguredRemote) -> TeamRemote:
    """Open such a remote. One of the settings has to be trusted; a typed address is."""
    remote.require_usable()
    if remote.name != remote.settings.url:
        require_trusted(project, (remote,))
    return open_team(project, remote)
