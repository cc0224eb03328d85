"""One suite for all sources of records: whatever they read, they read the same."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

from mlver.errors import MlverError
from mlver.git import objects
from mlver.git.repository import GitRepository as Git
from mlver.project.registry.committed import CommittedRecords
from mlver.project.registry.registry import RecordRegistry
from mlver.project.registry.worktree import RecordSource, WorkTree
from mlver.records import byte_limits
from tests.conftest import Repository
from tests.project.helpers import initialise_project, register_one, write_artifact

Make = Callable[[Git], RecordSource]
SOURCES: dict[str, Make] = {
    "work tree": lambda git: WorkTree(git.top),
    "commit": lambda git: CommittedRecords.at_commit(git, "HEAD"),
    "index": CommittedRecords.from_index,
}


@pytest.fixture
def repository(repository: Repository) -> Repository:
    project = initialise_project(repository)
    write_artifact(repository, "w", {"a": "1", "b": "2"})
    repository.commit()
    register_one(project, "digits")
    return repository


@pytest.fixture(params=SOURCES)
def make(request: pytest.FixtureRequest) -> Make:
    return SOURCES[request.param]


def test_every_source_reads_the_same_records(repository: Repository, make: Make) -> None:
    registry = RecordRegistry(make(Git.find(repository.path)))
    plain = RecordRegistry(WorkTree(repository.path))
    assert registry.list_models() == plain.list_models() == ["digits"]
    versions = registry.list_versions("digits")
    assert versions == plain.list_versions("digits")
    assert versions
    assert registry.read_version("digits", versions[0]) == plain.read_version("digits", versions[0])
    assert registry.read_config() == plain.read_config()
    assert sorted(registry.source.list_names(".mlver")) == sorted(plain.source.list_names(".mlver"))
    assert registry.read_file(".mlver/models/none.yaml") is None
    assert registry.source.list_names(".mlver/none") == []


def test_no_source_follows_a_symlink(repository: Repository, make: Make) -> None:
    path = ".mlver/models/digits/model.yaml"
    (repository.path / path).unlink()
    (repository.path / path).symlink_to("../../config.yaml")
    repository.commit()
    with pytest.raises(MlverError, match="symlink"):
        make(Git.find(repository.path)).read_file(path)


def test_the_index_is_read_and_not_the_work_tree(repository: Repository) -> None:
    path = ".mlver/models/digits/model.yaml"
    staged = (repository.path / path).read_bytes()
    repository.write(path, "nonsense")
    assert CommittedRecords.from_index(Git.find(repository.path)).read_file(path) == staged
    repository.git("add", path)
    assert CommittedRecords.from_index(Git.find(repository.path)).read_file(path) == b"nonsense"


def test_files_are_fetched_in_one_process(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = Git.find(repository.path)
    tree = CommittedRecords.at_commit(git, "HEAD")
    tree.fetch_files([*tree.entries, ".mlver/none"])
    monkeypatch.setattr(objects, "read_beginnings", None)
    assert all(tree.read_file(path) for path in tree.entries)


@pytest.mark.parametrize("path", [".mlver/models/digits/model.yaml", ".mlver/manifests/x.sha256"])
def test_what_is_larger_than_anything_of_ours_is_refused_and_not_held(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(byte_limits, "_BYTE_LIMIT", 1000)
    monkeypatch.setattr(byte_limits, "_MANIFEST_LIMIT", 2000)
    limit = byte_limits.find_byte_limit(path)
    for size in (limit, limit + 1, 5_000_000):
        repository.write(path, b"#" * size)
        repository.commit()
        git = Git.find(repository.path)
        for source in (WorkTree(repository.path), CommittedRecords.at_commit(git, "HEAD")):
            if size == limit:
                assert source.read_file(path) == b"#" * size
                continue
            tracemalloc.start()
            with pytest.raises(MlverError, match=f"{path} is larger than"):
                source.read_file(path)
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert most < 2_500_000
