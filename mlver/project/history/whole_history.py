"""All of the records' history, read at once for a command that checks everything."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from mlver.errors import MlverError
from mlver.git.history_walk import walk_history
from mlver.project.project import Project
from mlver.records import layout


def read_whole_history(project: Project, *under: str) -> Project:
    """Return the project with all that HEAD's history did to its records, or to those `under` some
    paths.

    Where that cannot be read, each check reads what it needs and says what is wrong.
    """
    if project.repository.head().commit is None:
        return project
    with suppress(MlverError):
        return replace(
            project, walk=walk_history(project.repository, "HEAD", *(under or [layout.ROOT]))
        )
    return project
