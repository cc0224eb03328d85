"""The search for a version's params and metrics reads as little of the history as it can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from mlver.git import objects
from mlver.git.process import GitProcess
from mlver.project.artifacts.input_sources import find_source, read_code_source
from mlver.project.project import Project
from mlver.project.worktree.input_files import InputGroup
from tests.conftest import Repository

_GROUP = InputGroup("params", {"lr": 3}, ("a.yaml", "b.yaml"))


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is read, in turn, as it is read."""
    names: list[str] = []
    read_beginnings = objects.read_beginnings

    def tell(process: GitProcess, wanted: Sequence[tuple[str, int]]) -> Iterator[bytes | None]:
        for (name, _), blob in zip(wanted, read_beginnings(process, wanted), strict=True):
            names.append(name)
            yield blob

    monkeypatch.setattr(objects, "read_beginnings", tell)
    return names


def commit_values(repository: Repository, *values: int) -> None:
    for number, value in enumerate(values):
        repository.write("a.yaml", f"lr: {value}\n")
        repository.write("other", f"{value} {number}")
        repository.commit()


def test_files_that_were_read_before_are_not_read_again(
    project: Project, repository: Repository, told: list[str]
) -> None:
    commit_values(repository, 3, *(1, 2) * 10)
    source = find_source(project, _GROUP, None)
    assert source is not None
    assert source.contents == {"a.yaml": b"lr: 3\n", "b.yaml": None}
    # each of the three files that there were, once
    assert len(told) == len(set(told)) + 2 == 6
    assert told.count("") == 3


def test_the_search_ends_where_it_finds_something(
    project: Project, repository: Repository, told: list[str]
) -> None:
    commit_values(repository, *range(10), 3)
    source = find_source(project, _GROUP, None)
    assert source is not None
    assert source.commit == repository.git("rev-parse", "HEAD")
    assert len(told) == len(_GROUP.files)


def test_a_code_commit_that_has_the_files_is_not_searched_beyond(
    project: Project, repository: Repository, told: list[str]
) -> None:
    commit_values(repository, 3, 1, 3)
    commit = repository.git("rev-parse", "HEAD~2")
    code = read_code_source(project, _GROUP, commit)
    assert find_source(project, _GROUP, code) is code
    assert told == [f"{commit}:a.yaml", f"{commit}:b.yaml"]


def test_values_that_only_the_record_has_are_not_looked_for_in_vain(
    project: Project, repository: Repository
) -> None:
    group = InputGroup("params", {"lr": 3, "given": 1}, _GROUP.files)
    commit_values(repository, 3, 1)
    code = read_code_source(project, group, repository.git("rev-parse", "HEAD~1"))
    assert find_source(project, group, code) is code
    assert find_source(project, group, None) is None
    assert read_code_source(project, group, "0" * 40) is None
