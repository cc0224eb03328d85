"""The seals that this user's own mlver is just replacing, for the hooks of its commit."""

from __future__ import annotations

from contextlib import suppress

from mlver.errors import MlverError
from mlver.git import changes_in
from mlver.git.repository import GitRepository
from mlver.project.edit import intent
from mlver.project.edit.recovery import compare_with_plan
from mlver.project.project import find_state_directory


def list_replaced_seals(repository: GitRepository) -> list[str]:
    """List the tags that a plan replaces, by name; none unless just that plan is staged.

    Only `register --amend` plans so: its commit takes the place of the one that these tags name.
    """
    plan = None
    # whoever writes next says what is wrong with a plan
    with suppress(MlverError, OSError):
        plan = intent.read_pending(find_state_directory(repository))
    if plan is None or plan.branch != changes_in.find_own_branch(repository):
        return []
    replaced = [name for name in plan.untags if name in plan.tags]
    if not replaced or not all(compare_with_plan(repository, "", plan)):
        return []
    return replaced
