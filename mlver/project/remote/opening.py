"""The remote that a command line names: by its name in the settings, or by its address."""

from __future__ import annotations

from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote, find_remote
from mlver.project.remote.team import TeamRemote, open_team
from mlver.project.remote.trust import require_trusted
from mlver.records.sections.remotes import RemoteSettings
from mlver.storage.remote.open import parse_address


def find_named(project: Project, named: str) -> ConfiguredRemote:
    """Find the remote of this name, or take an address as it was typed.

    Raise UsageError for what is neither, and MlverError where the repository has no remotes.
    """
    if "/" in named:
        return ConfiguredRemote(named, RemoteSettings(url=named))
    return find_remote(project, named)


def read_scheme(remote: ConfiguredRemote) -> str:
    """The scheme of a remote's address; empty for a path."""
    return parse_address(remote.settings.url, {}).scheme


def open_named(project: Project, remote: ConfiguredRemote) -> TeamRemote:
    """Open such a remote. One of the settings has to be trusted; a typed address is."""
    remote.require_usable()
    if remote.name != remote.settings.url:
        require_trusted(project, (remote,))
    return open_team(project, remote)
