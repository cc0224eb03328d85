"""A stage takes no version whose data may not be used, also through what it was trained from."""

from __future__ import annotations

import pytest

from mlver.digest import Digest
from mlver.project.history.data_uses import find_data_uses
from mlver.project.project import Project
from mlver.records import layout
from tests.cli.conftest import assert_works
from tests.cli.results import read_document
from tests.conftest import Repository

GRANT = ("--basis", "contract", "--purpose", "training", "-m", "Agreed")
FIRST = Digest.of_bytes(b"first rows")
SECOND = Digest.of_bytes(b"other rows")


@pytest.fixture
def tuned(repository: Repository) -> Repository:
    """m 1.0.0, and 1.1.0 trained from it on other data; n uses m 1.1.0; staging asks."""
    repository.write("w", "1")
    repository.write("rows", "first rows")
    assert_works(repository, "init")
    repository.write(
        layout.CONFIG,
        "schema: mlver/config/1\nstages:\n  staging:\n    requires: {authorised: training}\n",
    )
    repository.commit("Ground")
    data = ("--weights", "w", "--data", "rows=rows", "--allow-dirty")
    assert_works(repository, "register", "m", *data, "-m", "first")
    repository.write("w", "2")
    repository.write("rows", "other rows")
    tuned_from = ("--parent", "1.0.0", "--update", "incremental", "--bump", "minor")
    assert_works(repository, "register", "m", *data, *tuned_from, "-m", "tuned")
    return repository


def promote(repository: Repository, version: str) -> tuple[str, str]:
    done = repository.mlver("promote", f"m@{version}", "--to", "staging", "-m", "try", "--json")
    for gate in read_document(done, "promote")["gates"]:
        if gate["gate"] == "authorised training":
            return gate["result"], gate["actual"]
    raise AssertionError(done)


def test_the_gate_opens_by_a_grant_and_shuts_by_a_withdrawal(tuned: Repository) -> None:
    assert promote(tuned, "1.0.0")[0] == "inconclusive"
    assert_works(tuned, "authorise", str(FIRST), *GRANT)
    assert promote(tuned, "1.0.0")[0] == "pass"
    assert_works(tuned, "verify", "--all")
    assert_works(tuned, "authorise", str(FIRST), "--withdraw", "-m", "Ticket 4711")
    refused = tuned.mlver("promote", "m@1.1.0", "--to", "staging", "-m", "try")
    assert refused.code == 1
    assert "m@1.0.0:rows was withdrawn 2026-01-02" in refused.out


def test_an_audit_names_each_version_and_stage_after_a_withdrawal(tuned: Repository) -> None:
    for digest in (FIRST, SECOND):
        assert_works(tuned, "authorise", str(digest), *GRANT)
    assert_works(tuned, "promote", "m@1.1.0", "--to", "staging", "-m", "try")
    assert_works(tuned, "authorise", str(FIRST), "--withdraw", "-m", "Ticket 4711")
    done = tuned.mlver("audit", "--data", "m@1.0.0:rows", "--json")
    document = read_document(done, "dataaudit")
    assert [purpose["standing"] for purpose in document["purposes"]] == ["withdrawn"]
    uses = [(use["version"], use["through"], use["stages"]) for use in document["uses"]]
    assert uses == [("1.0.0", None, []), ("1.1.0", "m@1.0.0", ["staging"])]


def test_what_a_parent_was_trained_on_counts(tuned: Repository) -> None:
    assert_works(tuned, "authorise", str(SECOND), *GRANT)
    assert promote(tuned, "1.1.0") == (
        "inconclusive",
        "m@1.0.0:rows is not authorised for training",
    )
    assert_works(tuned, "authorise", str(FIRST), *GRANT)
    assert promote(tuned, "1.1.0")[0] == "pass"


def test_every_version_and_stage_is_named(tuned: Repository) -> None:
    for digest in (FIRST, SECOND):
        assert_works(tuned, "authorise", str(digest), *GRANT)
    for version in ("1.0.0", "1.1.0"):
        assert_works(tuned, "promote", f"m@{version}", "--to", "staging", "-m", "try")
    registry = Project.open_existing(tuned.path).registry
    told = find_data_uses(registry, FIRST)
    assert told.unread == ()
    assert [(use.version, use.names, use.through, use.stages, use.held) for use in told.uses] == [
        ("1.0.0", ("rows",), None, (), ("staging",)),
        ("1.1.0", (), "m@1.0.0", ("staging",), ()),
    ]
    assert [use.version for use in find_data_uses(registry, SECOND).uses] == ["1.1.0"]
    assert find_data_uses(registry, Digest("0" * 64)).uses == ()


def test_a_version_that_cannot_be_read_is_told(tuned: Repository) -> None:
    tuned.write(layout.version_path("m", "1.0.0"), "[")
    told = find_data_uses(Project.open_existing(tuned.path).registry, SECOND)
    assert [use.version for use in told.uses] == ["1.1.0"]
    assert len(told.unread) == 1
    assert told.unread[0].startswith(layout.version_path("m", "1.0.0"))


def test_a_withdrawal_on_the_main_branch_shuts_the_gate_of_a_branch_that_lacks_it(
    tuned: Repository,
) -> None:
    assert_works(tuned, "authorise", str(FIRST), *GRANT)
    tuned.git("switch", "--quiet", "-c", "topic")
    tuned.git("switch", "--quiet", "-")
    assert_works(tuned, "authorise", str(FIRST), "--withdraw", "-m", "Ticket 4711")
    tuned.git("switch", "--quiet", "topic")
    result, actual = promote(tuned, "1.0.0")
    assert (result, actual.endswith("on the main branch")) == ("fail", True)


def test_a_withdrawal_that_was_taken_out_of_the_work_tree_counts(tuned: Repository) -> None:
    assert_works(tuned, "authorise", str(FIRST), *GRANT)
    assert_works(tuned, "authorise", str(FIRST), "--withdraw", "-m", "Ticket 4711")
    (tuned.path / layout.authorisation_path(FIRST, 2)).unlink()
    done = tuned.mlver("promote", "m@1.0.0", "--to", "staging", "-m", "try")
    assert done.code == 3
    assert "0002.yaml is not what HEAD has there" in done.err


def test_a_grant_that_nobody_committed_opens_nothing(tuned: Repository) -> None:
    assert_works(tuned, "authorise", str(FIRST), *GRANT)
    tuned.git("reset", "--quiet", "--mixed", "HEAD~1")
    assert promote(tuned, "1.0.0")[0] == "inconclusive"
    tuned.commit("It is agreed")
    assert_works(tuned, "authorise", str(FIRST), "--withdraw", "-m", "Ticket 4711")
    tuned.git("reset", "--quiet", "--mixed", "HEAD~1")
    assert promote(tuned, "1.0.0")[0] == "fail"
