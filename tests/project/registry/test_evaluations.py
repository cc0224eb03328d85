"""Evaluations of a version, read back with the digest that a promotion names as its evidence."""

from __future__ import annotations

import pytest

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import InvalidDocument
from mlver.project.project import Project
from mlver.records import layout
from mlver.records.evaluation import EvaluationRecord
from tests.conftest import NOW, Repository
from tests.project.helpers import store_version, write_artifact


def write_evaluation(
    project: Project, repository: Repository, sequence: int, accuracy: float
) -> Digest:
    version, digest = project.registry.read_version("m", "1.0.0")
    record = EvaluationRecord(
        model="m",
        version="1.0.0",
        sequence=sequence,
        created=NOW,
        author="Kim",
        message="Monthly",
        record=digest,
        data={"golden": version.weights},
        metrics={"accuracy": accuracy},
    )
    data = codec.encode_document("evaluation", record.to_document())
    repository.write(record.record_path, data)
    return Digest.of_bytes(data)


@pytest.fixture
def version(project: Project, repository: Repository) -> None:
    write_artifact(repository, "w", {"a": "1"})
    store_version(project, "1.0.0", weights="w")


@pytest.mark.usefixtures("version")
def test_evaluations_are_read_oldest_first_with_their_digests(
    project: Project, repository: Repository
) -> None:
    assert project.registry.read_evaluations("m", "1.0.0") == []
    second = write_evaluation(project, repository, 2, 0.92)
    tenth = write_evaluation(project, repository, 10, 0.9)
    first = write_evaluation(project, repository, 1, 0.91)
    read = project.registry.read_evaluations("m", "1.0.0")
    assert [digest for _, digest in read] == [first, second, tenth]
    assert [record.metrics["accuracy"] for record, _ in read] == [0.91, 0.92, 0.9]


@pytest.mark.usefixtures("version")
def test_an_evaluation_that_lies_elsewhere_than_it_says_is_refused(
    project: Project, repository: Repository
) -> None:
    write_evaluation(project, repository, 1, 0.9)
    place = repository.path / layout.evaluation_path("m", "1.0.0", 1)
    place.rename(place.with_name("0002.yaml"))
    with pytest.raises(InvalidDocument):
        project.registry.read_evaluations("m", "1.0.0")
