"""All artifacts of a version are measured by the same `.mlverignore`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.project.reporter import SilentReporter
from tests.conftest import Repository
from tests.project.helpers import register_one, write_artifact


@dataclass
class EditingReporter(SilentReporter):
    """Adds a pattern each time that something is hashed."""

    repository: Repository
    patterns: str = ""

    def begin_work(self, what: str, total: int | None) -> None:
        self.patterns += "*.tmp\n"
        self.repository.write(".mlverignore", self.patterns)


def test_patterns_that_change_meanwhile_are_refused(
    project: Project, repository: Repository
) -> None:
    repository.commit()
    write_artifact(repository, "w", {"a": "1", "x.tmp": "2"})
    write_artifact(repository, "d", {"a": "1", "x.tmp": "2"})
    editing = replace(project, reporter=EditingReporter(repository))
    with pytest.raises(MlverError, match=r"^.mlverignore was changed while") as refused:
        register_one(editing, data={"train": "d"})
    assert refused.value.hint == "cat -n -- .mlverignore"
    assert project.registry.list_models() == []
    assert register_one(project, data={"train": "d"}).left_out == ("w/x.tmp", "d/x.tmp")
