"""All that says what is needed. A feature that keeps contents adds its function to `ROOTS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mlver.errors import MlverError, printable_name, shell_command
from mlver.git import reachable
from mlver.git.repository import GitRepository
from mlver.policy.remote_addresses import TrustedPlace
from mlver.project.project import Project
from mlver.project.remote.repositories import (
    SharingRepository,
    list_git_addresses,
    locate_address,
)
from mlver.project.remote.roots import (
    read_history_roots,
    read_intent_roots,
    read_repository_roots,
    read_run_roots,
    read_worktree_roots,
)
from mlver.project.remote.trusted_places import VARIABLE, is_trusted
from mlver.project.remote.unreachable_versions import read_retained_roots

RootFunction = Callable[[Project], Iterator[str]]

ROOTS: list[RootFunction] = [
    read_history_roots,
    read_worktree_roots,
    read_intent_roots,
    read_run_roots,
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
        folder = project.state_directory / "tmp"
        with reachable.opened_beside(project.repository, folder) as beside:
            for number, repository in enumerate(sharing):
                _fetch_repository(project, beside, repository, number)
            roots.update(read_repository_roots(beside))
    return roots


def _fetch_repository(
    project: Project, beside: GitRepository, repository: SharingRepository, number: int
) -> None:
    """Fetch all references of a repository.

    Raise MlverError where it cannot be read, and where its address leads to another one.
    """
    place = locate_address(repository.address)
    if place is None:
        raise MlverError(
            _explain(repository, "which only another computer can read; run gc there"),
            hint=_forgetting(repository),
        )
    hints = (shell_command("git", "ls-remote", place), _forgetting(repository))
    _require_confirmed(project, repository)
    try:
        reachable.fetch_everything(beside, place, number)
    except MlverError as error:
        fault = f"which cannot be read: {error.message}"
        raise MlverError(_explain(repository, fault), hints=hints) from error
    if not reachable.list_fetched_roots(beside, number).issuperset(repository.roots):
        fault = "where its first commits are not, so another repository is there"
        raise MlverError(_explain(repository, fault), hints=hints)


def _require_confirmed(project: Project, repository: SharingRepository) -> None:
    """Raise MlverError for a host that neither this clone nor this person knows.

    Whoever can write to the remote chose the address, and git would show its secrets there. A path
    of this computer is only read.
    """
    address = repository.address
    if address.startswith("file://") or address in list_git_addresses(project.repository):
        return
    if not is_trusted(TrustedPlace(address)):
        raise MlverError(
            _explain(repository, "which nobody on this machine has confirmed"),
            hint=shell_command("export", f"{VARIABLE}={address}"),
        )


def _explain(repository: SharingRepository, fault: str) -> str:
    return (
        f"the repository {repository.id} keeps contents there, too, and said to be at"
        f" {printable_name(repository.address)}, {fault}; nothing is deleted while nobody can tell"
        " what it needs. Where nobody uses that place any more, forget it"
    )


def _forgetting(repository: SharingRepository) -> str:
    return shell_command("mlver", "gc", "--remote", "NAME", "--forget-repository", repository.name)
