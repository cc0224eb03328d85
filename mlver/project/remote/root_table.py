"""All that says what is needed. A feature that keeps contents adds its function to `ROOTS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mlver.errors import MlverError, shell_command
from mlver.git import reachable
from mlver.project.project import Project
from mlver.project.remote.repositories import SharingRepository, identify_repository
from mlver.project.remote.roots import (
    read_history_roots,
    read_intent_roots,
    read_repository_roots,
    read_worktree_roots,
)
from mlver.project.remote.unreachable_versions import read_retained_roots

RootFunction = Callable[[Project], Iterator[str]]

ROOTS: list[RootFunction] = [
    read_history_roots,
    read_worktree_roots,
    read_intent_roots,
    read_retained_roots,
]


def read_roots(project: Project) -> set[str]:
    """Everything that this repository needs, read anew.

    Raise MlverError where anything cannot be read: what it names is unknown.
    """
    if project.repository.is_shallow():
        raise MlverError(
            "this shallow clone does not have all of the history, so nobody can tell what it needs",
            hint="git fetch --unshallow",
        )
    roots: set[str] = set()
    for read_some in ROOTS:
        roots.update(read_some(project))
    return roots


def read_shared_roots(project: Project, repositories: Iterable[SharingRepository]) -> set[str]:
    """Everything that this repository and these others need, fetched anew."""
    roots = read_roots(project)
    addresses = _list_addresses(project, repositories)
    if addresses:
        folder = project.state_directory / "tmp"
        with reachable.fetched_beside(project.repository, addresses, folder) as beside:
            roots.update(read_repository_roots(beside))
    return roots


def _list_addresses(project: Project, repositories: Iterable[SharingRepository]) -> list[str]:
    addresses: set[str] = set()
    own_id = identify_repository(project.repository)
    for repository in repositories:
        if not repository.remotes and repository.id != own_id:
            raise MlverError(
                f"the repository {repository.id} keeps contents there, too, and says of no place"
                " where its references can be read; run gc in it, or forget it if it is gone",
                hint=shell_command(
                    "mlver", "gc", "--remote", "NAME", "--forget-repository", repository.id
                ),
            )
        addresses.update(repository.remotes)
    return sorted(addresses)
