"""All of the records' history, read at once for a command that checks everything."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from mlver.errors import MlverError
from mlver.git.history_walk import HistoryWalk, walk_history
from mlver.project.project import Project
from mlver.records import layout


def read_whole_history(project: Project, *under: str, is_narrow: bool = False) -> Project:
    """Return the project with all that HEAD's history did to its records, or to those `under` some
    paths. `is_narrow`: few commits of all changed anything there.

    Where that cannot be read, each check reads what it needs and says what is wrong.
    """
    if project.repository.head().commit is None:
        return project
    with suppress(MlverError):
        return replace(project, walk=_walk(project, under, is_narrow=is_narrow))
    return project


def _walk(project: Project, under: Sequence[str], *, is_narrow: bool) -> HistoryWalk:
    folders = under or (layout.ROOT,)
    if is_narrow:
        walk = walk_history(project.repository, "HEAD", *folders, is_narrow=True)
        # What a merge took from which side, only a list of all commits tells.
        if all(len(entry.parents) < 2 for entry in walk.entries):
            return walk
    return walk_history(project.repository, "HEAD", *folders)
