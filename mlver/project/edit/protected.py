"""Branches that take merges only: no record is committed there."""

from __future__ import annotations

from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.records import layout


def refuse_protected(project: Project, advice: str = "") -> None:
    """Raise MlverError where a record would be committed to a branch that is protected.

    Ask before anything is written: the hook would refuse the commit. `advice` is what a person can
    do without another branch.
    """
    if project.registry.read_file(layout.CONFIG) is None:
        return
    settings = project.registry.read_shown_config().guard
    if not settings.protect:
        return
    head = project.repository.head()
    # the first commit of a repository has no other branch to come from
    if head.commit is None or head.branch is None or not settings.protects_branch(head.branch):
        return
    ways = "switch to another branch"
    if advice:
        ways = f"{ways}, or {advice}"
    raise MlverError(
        f"{head.branch} takes no direct commits (guard.protect in {layout.CONFIG}); {ways},"
        " then run the command again, and merge the branch",
        hint="git switch -c BRANCH",
    )
