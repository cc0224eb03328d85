"""Withdraws an amended commit whose seal git refuses: the former commit takes its place again."""

from __future__ import annotations

from collections.abc import Mapping

from mlver.git import changes, last_commit, objects, references
from mlver.git.process import GitFailed
from mlver.git.repository import GitRepository
from mlver.project.edit.intent import CommandIntent


def withdraw_commit(
    repository: GitRepository, plan: CommandIntent, former_seals: Mapping[str, str]
) -> bool:
    """Put the plan's branch back to the commit that `former_seals` (name, object's id) are on.

    Return False, with nothing changed, where the branch holds more than the plan's own commit, or
    where git refuses to move it.
    """
    former = None
    for object_id in former_seals.values():
        former = objects.find_object_id(repository.process, f"{object_id}^{{commit}}")
    if plan.branch is None or former is None:
        return False
    landed = objects.find_object_id(repository.process, f"{plan.branch}^{{commit}}")
    if landed is None or landed == former:
        return False
    if not last_commit.is_replacement(repository, landed, former, plan.writes):
        return False
    try:
        references.update_references(
            repository,
            "update",
            {plan.branch: f"{former}\0{landed}"},
            doing="put the former commit back",
        )
    except GitFailed:
        return False
    changes.sync_git(repository, [plan.branch])
    return True
