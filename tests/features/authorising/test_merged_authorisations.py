"""Two branches wrote about the same data: what one withdrew, a grant of the other does not undo."""

from __future__ import annotations

import pytest

from mlver.digest import Digest
from mlver.policy.authorisation import judge_standing
from mlver.project.authorising.authorise import Grant, authorise_data, withdraw_data
from mlver.project.project import Project
from mlver.project.registry.authorisations import read_authorisations
from mlver.records import layout
from tests.conftest import Repository
from tests.features.merging.merges import assert_verifies, resolve_merge, run_git

DATA = Digest("7" * 64)
TRAINING = Grant(purposes=("training",), basis="contract")


def place(sequence: int) -> str:
    return layout.authorisation_path(DATA, sequence)


def grant(ground: Repository, message: str) -> None:
    authorise_data(Project.open_existing(ground.path), str(DATA), TRAINING, message=message)


def withdraw(ground: Repository, message: str) -> None:
    withdraw_data(Project.open_existing(ground.path), str(DATA), message=message)


def list_messages(ground: Repository) -> list[str]:
    registry = Project.open_existing(ground.path).registry
    return [record.message for record in read_authorisations(registry, DATA)]


@pytest.fixture
def parted(apart: Repository) -> Repository:
    """Two branches that began with one grant, on `mine`."""
    apart.git("switch", "--quiet", "-c", "mine", "start")
    grant(apart, "first")
    apart.git("branch", "yours")
    return apart


def merge(ground: Repository) -> None:
    """Merge `yours` into `mine`, which has landed."""
    ground.git("switch", "--quiet", "mine")
    assert run_git(ground, "merge", "--quiet", "yours") == 1


def test_records_of_two_branches_are_counted_on(parted: Repository) -> None:
    grant(parted, "mine")
    parted.git("switch", "--quiet", "yours")
    grant(parted, "yours")
    withdraw(parted, "yours too")
    merge(parted)
    result = resolve_merge(parted, "theirs")
    moved = {record.old: record.new for record in result.rewritten}
    assert moved == {place(2): place(3), place(3): place(4)}
    assert result.dropped == ()
    parted.git("commit", "--quiet", "--no-edit")
    assert list_messages(parted) == ["first", "mine", "yours", "yours too"]
    assert_verifies(parted)


def test_a_grant_does_not_undo_a_withdrawal_that_it_did_not_know_of(parted: Repository) -> None:
    withdraw(parted, "mine")
    parted.git("switch", "--quiet", "yours")
    grant(parted, "yours")
    merge(parted)
    result = resolve_merge(parted, "theirs")
    assert [finding.subject for finding in result.dropped] == [place(2)]
    assert "give it again" in result.dropped[0].message
    parted.git("commit", "--quiet", "--no-edit")
    assert list_messages(parted) == ["first", "mine"]
    records = read_authorisations(Project.open_existing(parted.path).registry, DATA)
    assert judge_standing(records, "training", "2026-01-02").standing == "withdrawn"
    assert_verifies(parted)


def test_what_follows_a_grant_that_is_left_out_stays(parted: Repository) -> None:
    withdraw(parted, "mine")
    parted.git("switch", "--quiet", "yours")
    grant(parted, "yours")
    withdraw(parted, "yours too")
    merge(parted)
    resolve_merge(parted, "theirs")
    parted.git("commit", "--quiet", "--no-edit")
    assert list_messages(parted) == ["first", "mine", "yours too"]
    assert_verifies(parted)


@pytest.mark.parametrize("kept", ["--ours", "--theirs"])
def test_a_side_that_is_lost_in_a_merge_is_damage(parted: Repository, kept: str) -> None:
    """Whoever resolves by hand takes one side, and the withdrawal of the other is gone."""
    withdraw(parted, "mine")
    parted.git("switch", "--quiet", "yours")
    withdraw(parted, "yours")
    merge(parted)
    parted.git("checkout", kept, "--", place(2))
    parted.git("add", place(2))
    parted.git("commit", "--quiet", "--no-edit", "--no-verify")
    done = parted.mlver("verify", "--all")
    assert done.code == 1
    assert f"{place(2)} was replaced in the merge" in done.out


def test_a_merge_that_takes_the_grant_for_the_withdrawal_is_damage(parted: Repository) -> None:
    withdraw(parted, "mine")
    parted.git("switch", "--quiet", "yours")
    grant(parted, "yours")
    merge(parted)
    parted.git("checkout", "--theirs", "--", place(2))
    parted.git("add", place(2))
    parted.git("commit", "--quiet", "--no-edit", "--no-verify")
    done = parted.mlver("verify", "--all")
    assert done.code == 1
    assert f"{place(2)} was replaced in the merge" in done.out
