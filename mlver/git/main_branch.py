"""Which branch is the main one: the branch that work lands on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    usual_names = _list_usual_names(repository)
    existing = _list_existing(repository, _list_candidates(remote, usual_names))
    name = _choose_name(remote, usual_names, existing)
    local = f"refs/heads/{name}"
    landing = f"refs/remotes/{remote}/{name}"
    if name not in usual_names:
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


def _list_usual_names(repository: GitRepository) -> list[str]:
    configured = repository.find_setting("init.defaultbranch") or ""
    preferred = configured.strip() or _BUILT_IN_NAME
    return [preferred, _BUILT_IN_NAME, _FORMER_NAME]


def _list_candidates(remote: str | None, names: Iterable[str]) -> list[str]:
    """List the references that tell which branch is the main one."""
    references = [f"refs/heads/{name}" for name in names]
    if remote is not None:
        references.append(f"refs/remotes/{remote}/HEAD")
        references += [f"refs/remotes/{remote}/{name}" for name in names]
    return references


def _choose_name(
    remote: str | None, usual_names: Sequence[str], existing: Mapping[str, str]
) -> str:
    if remote is None:
        return usual_names[0]
    folder = f"refs/remotes/{remote}/"
    # What the remote's HEAD named when this clone was made; `git remote set-head` asks again. After
    # a rename upstream and a pruning fetch it names a branch that is gone, and is not listed.
    default = existing.get(f"{folder}HEAD", "")
    if default.startswith(folder):
        return default.removeprefix(folder)
    for name in usual_names:
        if f"{folder}{name}" in existing:
            return name
    return usual_names[0]


def _list_existing(repository: GitRepository, references: Sequence[str]) -> dict[str, str]:
    """List those of these references that exist, each with the one that it stands for, if any."""
    listing = repository.process.read(
        ["for-each-ref", "--format=%(refname) %(symref)", *references]
    )
    existing: dict[str, str] = {}
    for line in listing.decode(errors="replace").splitlines():
        reference, _, target = line.partition(" ")
        # A name from the settings may hold wildcards, which `for-each-ref` would follow.
        if reference in references:
            existing[reference] = target
    return existing
