"""The place that a person has to trust before a remote is used: where its bytes really go."""

from __future__ import annotations

from mlver.git.lfs_endpoint import find_endpoint
from mlver.policy.remote_addresses import TrustedPlace
from mlver.project.project import Project
from mlver.project.remote.configured import ConfiguredRemote
from mlver.project.remote.lfs_remote import is_lfs_address, read_git_remote


def find_trust_place(project: Project, remote: ConfiguredRemote) -> TrustedPlace:
    """The place of a remote.

    The settings name a git remote where git-lfs is to be used, and git's settings and the file
    `.lfsconfig`, which comes with the repository, say where that is. Raise MlverError for an
    address with a fault, and where git-lfs cannot tell.
    """
    place = remote.place
    if not is_lfs_address(remote.settings.url):
        return place
    endpoint = find_endpoint(project.repository, read_git_remote(remote.settings.url))
    return TrustedPlace(f"lfs {endpoint.describe()}")
