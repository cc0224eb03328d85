"""Approvals that two people gave on branches of their own."""

from __future__ import annotations

from tests.features.approving.conftest import Team, approval_files
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
