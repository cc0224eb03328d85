"""A remote that is the git-lfs server of one of the repository's git remotes: `lfs://origin`."""

from __future__ import annotations

from mlver.errors import UsageError
from mlver.git.lfs import GitLfs
from mlver.git.lfs_endpoint import find_endpoint
from mlver.project.artifacts.storing import open_store
from mlver.project.project import Project
from mlver.storage.remote.lfs import LfsStore

SCHEME = "lfs"
_PREFIX = f"{SCHEME}://"


def is_lfs_address(address: str) -> bool:
    """Whether an address names a git-lfs server."""
    return address[: len(_PREFIX)].lower() == _PREFIX


def read_git_remote(address: str) -> str:
    """The name of the git remote in an address. Raises UsageError where there is none."""
    remote = address[len(_PREFIX) :].rstrip("/")
    if not remote or remote.startswith("-"):
        raise UsageError(
            f"{address} names no git remote; write lfs:// and the name of one, such as lfs://origin",
            hint="git remote",
        )
    return remote


def open_lfs(project: Project, address: str) -> LfsStore:
    """Open the git-lfs server that an address such as `lfs://origin` means.

    Nothing is sent to the server, but git-lfs is asked which one that is: `describe_endpoint` of
    the result says it, for the person who has to confirm it. Raises MlverError where there is no
    git-lfs, or no such git remote.
    """
    remote = read_git_remote(address)
    endpoint = find_endpoint(project.repository, remote)
    folder = project.state_directory / "tmp"
    store = open_store(project)
    return LfsStore(GitLfs(project.repository, remote, endpoint, folder), store.read_sizes)
