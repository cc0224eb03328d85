"""The code as it is now: the commit of HEAD, and what of the work tree differs from it.

What a version pins itself is not code.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlver.git.trees import compute_tree_without
from mlver.project.artifacts.measuring import OwnPaths, collect_own_paths
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.model import ModelSettings
from mlver.records.version import CodeState


@dataclass(frozen=True, slots=True)
class WorkingCode:
    """`changed` are the tracked files that differ from HEAD, `untracked` those of no commit."""

    state: CodeState
    changed: tuple[str, ...]
    untracked: tuple[str, ...]


def inspect_working_code(project: Project, settings: ModelSettings | None) -> WorkingCode:
    """Describe the code at HEAD, and how the work tree differs from it, as `register` does."""
    repository = project.repository
    head = repository.head()
    tree = None
    if head.commit is not None:
        tree = compute_tree_without(repository, head.commit, layout.ROOT)
    own = OwnPaths(frozenset([layout.ROOT]))
    if settings is not None:
        own = collect_own_paths(project, settings)
    differing, unknown = repository.changes()
    changed = tuple(path for path in differing if not own.covers_path(path))
    untracked: list[str] = []
    for path in unknown:
        if not own.covers_path(path) and not own.reach_into(path):
            untracked.append(path)
    state = CodeState(commit=head.commit, tree=tree, branch=head.branch, dirty=bool(changed))
    return WorkingCode(state, changed, tuple(untracked))
