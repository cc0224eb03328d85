"""Approvals that two people gave on branches of their own."""

from __future__ import annotations

from tests.cli.conftest import assert_works
from tests.features.approving.conftest import Team, approval_files
from tests.features.approving.forging import forge
from tests.features.merging.merges import run_git


def test_both_count_behind_a_merge(team: Team) -> None:
    team.configure(signed=True)
    repository = team.repository
    repository.git("switch", "--quiet", "-c", "hers")
    team.approve("ana")
    repository.git("switch", "--quiet", "main")
    team.approve("leo")
    team.become("pat")
    assert run_git(repository, "merge", "--quiet", "hers") == 1
    done = repository.mlver("resolve")
    assert done.code == 0, done
    repository.git("commit", "--quiet", "--no-edit")
    assert approval_files(repository.path) == [
        "0001.seal",
        "0001.yaml",
        "0002.seal",
        "0002.yaml",
    ]
    assert team.promote().code == 0
    done = repository.mlver("verify", "--all")
    assert done.code == 0, done.out


def give_way(team: Team) -> None:
    """Main promotes by force, and takes the number of what the branch that is here promoted."""
    repository = team.repository
    repository.git("switch", "--quiet", "main")
    team.become("leo")
    forced = ("promote", "digits@1.0.0", "--to", "production", "-m", "Now", "--force")
    assert_works(repository, *forced)
    repository.git("switch", "--quiet", "hers")
    team.become("pat")
    assert run_git(repository, "merge", "--quiet", "main") == 1
    assert_works(repository, "resolve")
    repository.git("commit", "--quiet", "--no-edit")


def test_they_are_counted_again_behind_a_merge_that_renumbers(team: Team) -> None:
    team.repository.git("switch", "--quiet", "-c", "hers")
    team.approve("ana")
    team.approve("leo")
    assert team.promote().code == 0
    team.repository.git("tag", "--delete", "digits@production.1")
    give_way(team)
    assert_works(team.repository, "tag")
    assert_works(team.repository, "verify", "--all", "--strict")


def test_a_merge_that_renumbers_hides_no_missing_approval(team: Team) -> None:
    team.repository.git("switch", "--quiet", "-c", "hers")
    team.approve("ana")
    forge(team, 1)
    give_way(team)
    audited = team.repository.mlver("audit", "--strict")
    assert audited.code == 1
    assert "has 1 of 2 approvals that its rule asks for" in " ".join(audited.out.split())
