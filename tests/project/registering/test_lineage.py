"""A new version follows the one in the work tree, and its parts are of one version."""

from __future__ import annotations

from typing import Any

import pytest

from mlver.errors import MlverError
from mlver.project.project import Project
from mlver.project.registering.lineage import _KnownVersions
from mlver.project.registering.register import RegisterResult, register_version
from mlver.project.registering.request import RegisterRequest
from mlver.records.version import VersionRecord
from mlver.version import Version
from tests.conftest import Repository
from tests.project.helpers import initialise_project

_FILES = {"weights": "w", "data": "d.csv", "params": "params.yaml", "metrics": "metrics.json"}


def write_parts(repository: Repository, **texts: str) -> None:
    """Put the parts of a version in place, each by what is new in it."""
    contents = {"params": "lr: {}\n", "metrics": '{{"acc": {}}}\n'}
    for part, text in texts.items():
        repository.write(_FILES[part], contents.get(part, "{}").format(text))


def register(project: Project, **options: Any) -> RegisterResult:
    request = RegisterRequest(
        model="m",
        message="why",
        weights="w",
        data={"train": "d.csv"},
        params_files=["params.yaml"],
        metrics_files=["metrics.json"],
        **options,
    )
    return register_version(Project.open_existing(project.top_folder), request)


@pytest.fixture
def grown(repository: Repository) -> Project:
    """1.0.0 and 2.0.0, which share their data."""
    project = initialise_project(repository)
    repository.write(".gitignore", "w\nd.csv\n")
    write_parts(repository, weights="one", data="a", params="1", metrics="0.1")
    repository.commit("Start")
    register(project, version="1.0.0")
    write_parts(repository, weights="two", params="2", metrics="0.2")
    register(project, version="2.0.0")
    return project


def read_lineage(project: Project, version: str) -> tuple[str | None, str | None, dict[str, str]]:
    record, _ = Project.open_existing(project.top_folder).registry.read_version("m", version)
    return record.previous, record.parent, dict(record.mixed)


def test_weights_of_one_version_with_params_and_metrics_of_another_are_refused(
    grown: Project, repository: Repository
) -> None:
    """As after a checkout, which puts only the weights and the data back."""
    write_parts(repository, weights="one")
    head = repository.git("rev-parse", "HEAD")
    with pytest.raises(MlverError, match="do not belong together") as caught:
        register(grown, bump="minor")
    assert (
        "the weights are those of 1.0.0, the params are those of 2.0.0"
        " and the metrics are those of 2.0.0"
    ) in caught.value.message
    assert caught.value.hints == ("mlver checkout m@1.0.0 --inputs", "mlver status m")
    assert repository.git("rev-parse", "HEAD") == head
    result = register(grown, bump="minor", allow_mixed=True)
    mixed = {"weights": "1.0.0", "params": "2.0.0", "metrics": "2.0.0"}
    assert (result.previous, result.mixed) == ("1.0.0", mixed)
    assert read_lineage(grown, result.version) == ("1.0.0", None, mixed)


def test_one_foreign_part_is_enough(grown: Project, repository: Repository) -> None:
    """As after a pull of somebody else's metrics."""
    write_parts(repository, metrics="0.1")
    with pytest.raises(MlverError, match=r"those of 2\.0\.0 and the metrics are those of 1\.0\.0"):
        register(grown, bump="patch")


def test_data_of_another_version_than_the_weights_are_refused(
    grown: Project, repository: Repository
) -> None:
    write_parts(repository, weights="three", data="b", params="3", metrics="0.3")
    register(grown, version="3.0.0")
    write_parts(repository, weights="two", params="2", metrics="0.2")
    with pytest.raises(MlverError, match=r"of 2\.0\.0 and the data set train is that of 3\.0\.0"):
        register(grown, bump="patch")


def test_what_is_new_belongs_to_no_other_version(grown: Project, repository: Repository) -> None:
    """New weights from the params of an old version, and old weights that were measured again."""
    write_parts(repository, weights="three", params="1", metrics="0.3")
    assert register(grown, bump="minor").previous == "2.0.0"
    write_parts(repository, weights="one", metrics="0.15")
    result = register(grown, bump="minor")
    assert (result.previous, result.parent, result.mixed) == ("1.0.0", None, {})


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The versions whose records the search for lineage parses."""
    numbers: list[str] = []
    read_version = _KnownVersions._read_version

    def read_one(others: _KnownVersions, number: Version) -> VersionRecord | None:
        numbers.append(str(number))
        return read_version(others, number)

    monkeypatch.setattr(_KnownVersions, "_read_version", read_one)
    return numbers


def test_each_record_is_parsed_once_for_all_parts_that_are_new(
    grown: Project, repository: Repository, parsed: list[str]
) -> None:
    write_parts(repository, weights="two", data="b", params="3", metrics="0.3")
    assert register(grown, bump="minor").mixed == {}
    assert parsed == ["2.0.0", "2.0.0", "1.0.0"]


def test_new_data_parse_no_record_that_does_not_name_them(
    grown: Project, repository: Repository, parsed: list[str]
) -> None:
    write_parts(repository, weights="two", data="b")
    assert register(grown, bump="minor").mixed == {}
    assert parsed == ["2.0.0"]


def test_no_record_is_parsed_once_the_owners_are_found(
    grown: Project, repository: Repository, parsed: list[str]
) -> None:
    write_parts(repository, weights="one")
    with pytest.raises(MlverError, match=r"the params are those of 2\.0\.0"):
        register(grown, bump="minor")
    assert parsed == ["1.0.0", "2.0.0"]


@pytest.mark.parametrize(
    ("options", "parent"),
    [
        ({}, None),
        ({"update": "incremental"}, "2.0.0"),
        ({"update": "hybrid"}, "2.0.0"),
        ({"parent": "1.0.0"}, "1.0.0"),
        ({"parent": "none", "update": "incremental"}, None),
    ],
)
def test_a_parent_is_what_it_was_trained_from(
    grown: Project, repository: Repository, options: dict[str, Any], parent: str | None
) -> None:
    write_parts(repository, weights="three")
    result = register(grown, bump="minor", **options)
    assert (result.previous, result.parent) == ("2.0.0", parent)
    assert read_lineage(grown, result.version) == ("2.0.0", parent, {})


def test_the_first_version_follows_none(grown: Project) -> None:
    assert read_lineage(grown, "1.0.0") == (None, None, {})
