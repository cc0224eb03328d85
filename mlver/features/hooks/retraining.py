"""What git runs after a commit or a merge on the main branch: is a model due for training?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mlver.git.main_branch import find_main_branch
from mlver.project.project import Project
from mlver.project.retraining.due import DueResult, find_due
from mlver.records import layout

_NOTHING = DueResult(stage=None, models=())


def find_due_models(start: Path) -> DueResult:
    """Find the models that should be trained again; none on another branch than the main one."""
    project = Project.find_from(start)
    branch = project.repository.head().branch
    if branch is None or branch != find_main_branch(project.repository).name:
        return _NOTHING
    if not (project.top_folder / layout.ROOT).is_dir() or not project.registry.list_models():
        return _NOTHING
    result = find_due(project)
    return replace(result, models=tuple(one for one in result.models if one.answer == "due"))
