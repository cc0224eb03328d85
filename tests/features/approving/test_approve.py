"""A yes to one record, for one stage, under one rule, that counts once."""

from __future__ import annotations

import pytest

from tests.cli.conftest import assert_refused, assert_works
from tests.cli.results import read_document
from tests.features.approving.conftest import Team, approval_files


def test_two_of_those_who_may_open_the_gate(team: Team) -> None:
    said = team.approve("ana")
    assert said.splitlines()[0] == "Approved digits 1.1.0 for production"
    assert "  1 of 2 approvals" in said
    assert "signed by ana@example.org SHA256:" in said
    refused = team.promote()
    assert refused.code == 1
    assert "1 of 2: ana@example.org, signed" in refused.out
    assert "mlver approve digits@1.1.0 --to production -m WHY" in refused.out + refused.err
    team.approve("leo")
    assert team.promote().code == 0
    assert approval_files(team.repository.path) == [
        "0001.seal",
        "0001.yaml",
        "0002.seal",
        "0002.yaml",
    ]
    assert_works(team.repository, "verify", "--all")


def test_an_approval_counts_for_one_promotion_only(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    assert team.promote().code == 0
    team.become("pat")
    assert team.repository.mlver("promote", "digits@1.0.0", "--to", "production", "-m", "x").code
    assert_works(team.repository, "retire", "digits", "--stage", "production", "-m", "Empty")
    refused = team.promote()
    assert refused.code == 1
    assert "that of ana@example.org was used up by an earlier promotion" in refused.out


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dev", "it is by the version's author"),
        ("eve", "it is by somebody who may not approve"),
    ],
)
def test_a_yes_that_cannot_count_is_refused(team: Team, name: str, why: str) -> None:
    assert why in team.refuse(name)
    assert approval_files(team.repository.path) == []


def test_who_promotes_does_not_approve(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    refused = team.promote("leo")
    assert refused.code == 1
    assert "that of leo@example.org is by who promotes it" in refused.out


def test_a_changed_rule_voids_approvals_and_an_unrelated_edit_does_not(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    config = team.repository.path / ".mlver" / "config.yaml"
    text = config.read_text()
    config.write_text(text.replace('"staging": {}', '"staging": {"verified": true}'))
    team.repository.commit("Another stage")
    team.become("pat")
    assert_works(
        team.repository, "promote", "digits@1.1.0", "--to", "production", "-m", "x", "--dry-run"
    )
    team.configure(min=1)
    refused = team.promote()
    assert "was given under another rule of the stage" in refused.out
    assert refused.code == 1


def test_another_holder_voids_approvals(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    team.become("pat")
    forced = team.repository.mlver(
        "promote", "digits@1.0.0", "--to", "production", "-m", "x", "--force"
    )
    assert forced.code == 0
    refused = team.promote()
    assert refused.code == 1
    assert "was given while the stage was empty" in refused.out


def test_the_same_person_counts_once(team: Team) -> None:
    team.approve("ana")
    said = team.approve("ana", why="Once more")
    assert "1 of 2 approvals" in said
    assert team.promote().code == 1


def test_one_who_was_interrupted_says_it_once(team: Team) -> None:
    team.approve("ana")
    assert "you approved digits 1.1.0 for production already" in team.approve("ana")
    assert approval_files(team.repository.path) == ["0001.seal", "0001.yaml"]


def test_a_revocation_takes_ones_own_back(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    team.become("ana")
    command = ("revoke", "digits@1.1.0", "--to", "production", "-m", "Not so fine")
    said = assert_works(team.repository, *command)
    assert "no longer approved by Ana <ana@example.org>" in said
    assert "Leo" not in said
    assert "1 of 2 approvals" in said
    refused = team.promote()
    assert refused.code == 1
    assert "that of ana@example.org was taken back" in refused.out


def test_one_who_may_approve_takes_all_back(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    team.become("kim")
    command = ("revoke", "digits@1.1.0", "--to", "production", "-m", "Not so fine")
    said = assert_works(team.repository, *command)
    assert "0 of 2 approvals" in said


def test_nobody_else_takes_anything_back(team: Team) -> None:
    team.approve("ana")
    team.become("eve")
    said = assert_refused(
        team.repository, "revoke", "digits@1.1.0", "--to", "production", "-m", "Ha"
    )
    assert "no approval of digits 1.1.0 for production that you could take back" in said


def test_an_unsigned_name_is_said_to_prove_nothing(team: Team) -> None:
    team.become("ana")
    team.leave_keys()
    team.repository.git("config", "tag.gpgSign", "false")
    command = ("approve", "digits@1.1.0", "--to", "production", "-m", "Fine")
    said = assert_works(team.repository, *command)
    assert "unsigned: a name alone proves nothing" in said
    assert approval_files(team.repository.path) == ["0001.yaml"]
    team.become("pat")
    refused = team.repository.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "Go")
    assert "1 of 2: ana@example.org, unsigned: a name alone proves nothing" in refused.out


def test_a_dry_run_signs_and_writes_nothing(team: Team) -> None:
    team.become("ana")
    said = assert_works(
        team.repository, "approve", "digits@1.1.0", "--to", "production", "-m", "x", "--dry-run"
    )
    assert said.splitlines()[0] == "Would approve digits 1.1.0 for production"
    assert approval_files(team.repository.path) == []


def test_the_document_of_an_approval(team: Team) -> None:
    team.become("ana")
    command = ("approve", "digits@1.1.0", "--to", "production", "-m", "x", "--json")
    document = read_document(team.repository.mlver(*command), "approve")
    assert document["outcome"] == "approved"
    assert (document["counted"], document["needed"]) == (1, 2)
    assert str(document["seal"]).endswith("/0001.seal")


def test_what_nobody_committed_does_not_count(team: Team) -> None:
    """Others would not find it, and `git clean` takes it away."""
    team.approve("ana")
    team.approve("leo")
    team.repository.git("reset", "--quiet", "--soft", "HEAD~1")
    team.repository.git("reset", "--quiet")
    refused = team.promote()
    assert refused.code == 1
    assert "1 of 2: ana@example.org, signed" in refused.out
