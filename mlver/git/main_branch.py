"""Which branch is the main one: the branch that work lands on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlver.git import remotes
from mlver.git.repository import GitRepository

_BUILT_IN_NAME = "main"
# git itself called the first branch so for fifteen years.
_FORMER_NAME = "master"


@dataclass(frozen=True, slots=True)
class MainBranch:
    """The main branch's short name, and its full references: None where this clone has no such
    branch.

    `remote_reference` is what was last fetched from the remote, `local_reference` the branch here.
    """

    name: str
    remote_reference: str | None
    local_reference: str | None

    @property
    def reference(self) -> str | None:
        """What the remote has decides; the branch here counts only where the remote has none."""
        return self.remote_reference or self.local_reference


def find_main_branch(repository: GitRepository, remote: str | None = None) -> MainBranch:
    """Find the main branch of `remote`, or of this repository where it has no remote.

    None stands for the remote that the current branch follows.

    The remote's default branch decides, else `init.defaultBranch`, else `main`. Nothing is fetched:
    where the clone was not told which branch the remote's HEAD names, the first of these names that
    was fetched counts, or `master`.
    """
    if remote is None:
        remote = remotes.default_remote(repository)
    name = _read_remote_default(repository, remote) if remote else None
    if name is None:
        name = _find_usual_name(repository, remote)
    local = f"refs/heads/{name}"
    landing = f"refs/remotes/{remote}/{name}"
    existing = _list_existing(repository, [local, landing])
    return MainBranch(
        name,
        remote_reference=landing if landing in existing else None,
        local_reference=local if local in existing else None,
    )


def list_main_branches(repository: GitRepository) -> list[MainBranch]:
    """The main branch of every remote; this repository's own where there is none.

    Work may land on any of them: a fork's clone follows one remote and sends to another.
    """
    known = remotes.list_remotes(repository)
    if not known:
        return [find_main_branch(repository)]
    return [find_main_branch(repository, remote) for remote in known]


def _read_remote_default(repository: GitRepository, remote: str) -> str | None:
    """Read the branch that the remote's HEAD named when this clone was made.

    `git remote set-head` asks again.
    """
    folder = f"refs/remotes/{remote}/"
    symbolic = repository.process.try_read(["symbolic-ref", "--quiet", f"{folder}HEAD"])
    target = symbolic.out.decode(errors="replace").strip()
    # After a rename upstream and a pruning fetch, it names a branch that is gone.
    if not target.startswith(folder) or target not in _list_existing(repository, [target]):
        return None
    return target.removeprefix(folder)


def _find_usual_name(repository: GitRepository, remote: str | None) -> str:
    configured = repository.process.try_read(["config", "--get", "init.defaultBranch"])
    preferred = configured.out.decode(errors="replace").strip() or _BUILT_IN_NAME
    if remote is None:
        return preferred
    folder = f"refs/remotes/{remote}/"
    names = (preferred, _BUILT_IN_NAME, _FORMER_NAME)
    fetched = _list_existing(repository, [f"{folder}{name}" for name in names])
    for name in names:
        if f"{folder}{name}" in fetched:
            return name
    return preferred


def _list_existing(repository: GitRepository, references: Iterable[str]) -> set[str]:
    listing = repository.process.read(["for-each-ref", "--format=%(refname)", *references])
    # A name from the settings may hold wildcards, which `for-each-ref` would follow.
    return set(listing.decode(errors="replace").splitlines()).intersection(references)
