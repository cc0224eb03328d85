"""What lies at a place is read once, however many versions pin what `.mlverignore` leaves out."""

from __future__ import annotations

import pytest

from mlver.features.checking.verified_places import measure_place
from mlver.project.project import Project
from mlver.project.reporter import SilentReporter
from tests.cli.conftest import assert_works
from tests.conftest import Repository

VERSIONS = 4


class HashingReporter(SilentReporter):
    """Keeps what was hashed."""

    def __init__(self) -> None:
        self.begun: list[str] = []

    def begin_work(self, what: str, total: int | None) -> None:
        self.begun.append(what)


@pytest.fixture
def littered(first: Repository) -> Repository:
    """Versions 1.0.1 to 1.0.4, each with other bytes in a file that is left out by now."""
    first.write("model/config.json", "of none that lacks the file")
    for number in range(1, VERSIONS + 1):
        first.write("model/x.tmp", f"of 1.0.{number}")
        if number > 2:
            first.write("model/y.tmp", "of some")
        assert_works(first, "register", "digits", "--bump", "patch", "-m", "More")
    first.write(".mlverignore", "*.tmp\n")
    first.write("model/z.tmp", "of none")
    return first


@pytest.mark.parametrize("number", ["1.0.1", "1.0.4"])
def test_the_version_that_lies_there_is_found_in_one_reading(
    littered: Repository, number: str
) -> None:
    assert_works(littered, "checkout", f"digits@{number}")
    reporter = HashingReporter()
    project = Project.open_existing(littered.path, reporter)
    record, _ = project.registry.read_version("digits", number)
    highest, _ = project.registry.read_version("digits", "1.0.4")
    found = measure_place(project, [highest], "weights", "model", follow=False)
    assert found is not None
    assert found.digest == record.weights.digest
    assert (found.size, found.files) == (record.weights.size, record.weights.files)
    assert reporter.begun == ["hashing model"] * 2


def test_what_is_of_no_version_is_told_as_it_lies_there(littered: Repository) -> None:
    littered.write("model/config.json", "edited")
    project = Project.open_existing(littered.path)
    highest, _ = project.registry.read_version("digits", "1.0.4")
    found = measure_place(project, [highest], "weights", "model", follow=False)
    assert found is not None
    assert found.files == 2
