"""The half of a push that git does: a branch and its seals, all of them or none.

It is planned before any bytes are sent, so that a push that git would refuse sends nothing, and
performed after the bytes have been confirmed, so that git never names what storage lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlver.errors import MlverError, shell_command, summarise_names
from mlver.findings import Finding
from mlver.git import changes, merging, new_settings, references, remotes, stale_locks
from mlver.git.process import GitFailed
from mlver.git.remotes import PublishedReferences
from mlver.git.repository import GitRepository
from mlver.project.project import Project
from mlver.project.remote.rival_records import find_rival_records
from mlver.project.tags import code_pushes, missing_seals, sending_seals
from mlver.project.tags.sending_seals import SealSending


@dataclass(frozen=True, slots=True)
class GitHalf:
    """What git is to push to `remote`: the commit `head` as `branch`, and its seals.

    `source` is the branch here, by its full name.

    `base` is the branch's commit there now, None where it is new.
    """

    remote: str
    source: str
    branch: str
    head: str
    base: str | None
    published: PublishedReferences
    sending: SealSending

    @property
    def moves_branch(self) -> bool:
        return self.base != self.head

    @property
    def tracking(self) -> str:
        """The reference here that says where the branch there is."""
        return f"refs/remotes/{self.remote}/{self.branch}"


def plan_git_half(project: Project, remote: str | None) -> GitHalf:
    """Ask a remote of git, the default one for None, what it lacks of HEAD and its seals.

    Raise MlverError where its branch has commits that are not here, where it has other seals of
    the same names, and where there is no branch or no remote.
    """
    repository = project.repository
    head = repository.head()
    if head.commit is None:
        raise MlverError("there is no commit yet to push", hint="git commit")
    if head.branch is None:
        raise MlverError("HEAD is on no branch, so there is none to push", hint="git switch BRANCH")
    unfinished = repository.unfinished()
    if unfinished is not None:
        operation, command = unfinished
        raise MlverError(
            f"{operation} is not finished yet, and the branch is pushed as it is after that",
            hints=(command, "mlver push"),
        )
    chosen = _choose_remote(repository, remote)
    branch = _name_branch_there(repository, head.branch, chosen)
    published = remotes.list_published(repository, chosen)
    base = published.branches.get(branch)
    if base is not None and base != head.commit:
        _require_descent(repository, chosen, branch, base)
    sending = sending_seals.plan_sending(project, head.commit, chosen, published, sends_head=True)
    if sending.rivals:
        raise _build_rivals_error(chosen, sending.rivals)
    source = f"refs/heads/{head.branch}"
    return GitHalf(chosen, source, branch, head.commit, base, published, sending)


def _choose_remote(repository: GitRepository, name: str | None) -> str:
    """The remote of git that a branch goes to."""
    if name is None and remotes.default_remote(repository) is None:
        raise MlverError(
            "there is no remote of git to push the branch to",
            hints=("git remote add origin URL", "mlver push --objects"),
        )
    return remotes.choose_remote(repository, name)


def _name_branch_there(repository: GitRepository, branch: str, remote: str) -> str:
    """The branch there that a branch here follows, or the one of the same name."""
    if repository.find_setting(f"branch.{branch}.remote") == remote:
        followed = repository.find_setting(f"branch.{branch}.merge") or ""
        if followed.startswith("refs/heads/"):
            return followed.removeprefix("refs/heads/")
    return branch


def _require_descent(repository: GitRepository, remote: str, branch: str, base: str) -> None:
    """Raise MlverError unless HEAD has all commits of the branch there; say what clashes."""
    # Its commits come to be compared; no reference here is moved.
    if not repository.has_commit(base):
        remotes.fetch_refs(repository, remote, [f"refs/heads/{branch}"])
    if merging.is_ancestor(repository, "HEAD", base):
        return
    rivals = find_rival_records(repository, base)
    pull = shell_command("git", "pull", "--no-rebase", remote, branch)
    if not rivals:
        raise MlverError(
            f"somebody pushed to {branch} of {remote} first, and nothing was sent;"
            " take over their commits, then push again",
            hints=(pull, "mlver push"),
        )
    messages = [f"{rival.subject} {rival.message}" for rival in rivals]
    raise MlverError(
        f"somebody pushed to {branch} of {remote} first, and nothing was sent:\n"
        f"{summarise_names(messages, 8)}",
        hints=(
            pull,
            "mlver resolve",
            "git merge --continue",
            shell_command("git", "fetch", "--tags", remote),
            "mlver tag",
            "mlver push",
        ),
        findings=tuple(rivals),
    )


def _build_rivals_error(remote: str, rivals: Sequence[Finding]) -> MlverError:
    lines = [f"{rival.subject} {rival.message}" for rival in rivals]
    return MlverError(
        f"{remote} has other seals of these names, and nothing was sent:\n"
        f"{summarise_names(lines, 8)}",
        hints=rivals[0].hints,
        findings=tuple(rivals),
    )


def perform_git_half(project: Project, half: GitHalf) -> tuple[str, ...]:
    """Push the branch and its seals; return the names of the tags that went.

    The branch goes with the first of them. Forges start no pipeline for more tags than a few in
    one push, so the others follow in pushes of their own.

    Raise MlverError, with the branch there as it was, where somebody was faster.
    """
    repository = project.repository
    batches = missing_seals.split_pushes(half.sending.ready)
    # Of a push that was killed: git could not note where the branch there is.
    stale_locks.clear_reference(repository, half.tracking)
    if half.moves_branch:
        first = batches.pop(0) if batches else ()
        _push_branch(project, half, first)
    else:
        _note_branch(repository, half)
    for batch in batches:
        changes.push_tags(repository, half.remote, batch, project.reporter)
    for note in code_pushes.push_code_references(
        repository, half.remote, half.sending.code, half.published.code, project.reporter
    ):
        project.reporter.show_note(note)
    _follow_branch(project, half)
    return half.sending.tags


def _push_branch(project: Project, half: GitHalf, tags: Sequence[str]) -> None:
    repository = project.repository
    try:
        remotes.push_branch(
            repository, half.remote, half.source, half.branch, tags, project.reporter
        )
    except GitFailed:
        # Somebody may have pushed between the plan and now: then the plan says so in plain words.
        plan_git_half(project, half.remote)
        raise


def _note_branch(repository: GitRepository, half: GitHalf) -> None:
    """Let git know here where the branch there is: a push that was cut off may not have noted it.

    git does so itself in each push of the branch, also where it is there already.
    """
    folder, reference = f"refs/remotes/{half.remote}", half.tracking
    if references.list_references(repository, folder).get(reference) != half.head:
        remotes.fetch_refs(repository, half.remote, [f"+refs/heads/{half.branch}:{reference}"])


def _follow_branch(project: Project, half: GitHalf) -> None:
    """Let a branch that follows none follow the one it was pushed to, as `git push -u` does."""
    repository = project.repository
    branch = repository.head().branch
    if branch is None or repository.find_setting(f"branch.{branch}.remote") is not None:
        return
    options = {
        f"branch.{branch}.remote": half.remote,
        f"branch.{branch}.merge": f"refs/heads/{half.branch}",
    }
    new_settings.set_options(repository, options, project.remotes_directory)


def take_published_seals(project: Project, remote: str, names: Sequence[str]) -> tuple[str, ...]:
    """Fetch those of these seals that `remote` has and this clone has not; return their names.

    A clone without history gets the commits that they name, and none before them.
    """
    repository = project.repository
    here = repository.tags_named(names)
    lacking = [name for name in names if name not in here]
    if not lacking:
        return ()
    there = remotes.list_remote_tags(repository, remote)
    wanted = [name for name in lacking if name in there]
    refspecs = [f"refs/tags/{name}:refs/tags/{name}" for name in wanted]
    for batch in references.split_long(refspecs):
        remotes.fetch_refs(
            repository, remote, batch, project.reporter, shallow=repository.is_shallow()
        )
    return tuple(wanted)
