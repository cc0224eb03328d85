"""All that says what is needed. A feature that keeps contents adds its function to `ROOTS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from mlver.errors import MlverError, printable_name, shell_command
from mlver.git import reachable
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.project.remote.repositories import SharingRepository, locate_address
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
    """Everything that this repository and these others need, fetched anew.

    Raise MlverError for an address that cannot be read, or where there is another repository.
    """
    roots = read_roots(project)
    sharing = sorted(repositories, key=lambda repository: repository.name)
    if sharing:
        addresses = sorted({repository.address for repository in sharing})
        places = [_locate_repository(sharing, address) for address in addresses]
        folder = project.state_directory / "tmp"
        with reachable.fetched_beside(project.repository, places, folder) as beside:
            _check_identities(beside, sharing, addresses)
            roots.update(read_repository_roots(beside))
    return roots


def _locate_repository(sharing: Iterable[SharingRepository], address: str) -> str:
    place = locate_address(address)
    if place is None:
        repository = next(known for known in sharing if known.address == address)
        raise _unknown_error(
            repository, "which only that computer can read; run gc there, or forget the repository"
        )
    return place


def _check_identities(
    beside: GitRepository, sharing: Iterable[SharingRepository], addresses: Sequence[str]
) -> None:
    """Raise MlverError where an address leads to another repository than the one meant."""
    for number, address in enumerate(addresses):
        found = reachable.list_fetched_roots(beside, number)
        for repository in sharing:
            if repository.address == address and not found.issuperset(repository.roots):
                raise _unknown_error(
                    repository, "where its first commits are not, so another repository is there"
                )


def _unknown_error(repository: SharingRepository, fault: str) -> MlverError:
    return MlverError(
        f"the repository {repository.id} keeps contents there, too, and said to be at"
        f" {printable_name(repository.address)}, {fault}; nothing is deleted while nobody can tell"
        " what it needs. Where nobody uses that place any more, forget it",
        hint=shell_command(
            "mlver", "gc", "--remote", "NAME", "--forget-repository", repository.name
        ),
    )
