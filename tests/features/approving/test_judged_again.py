"""Promotions that were made by hand, judged again: by `verify --all` and before they land."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlver.project.history.policies import read_judging_rules
from mlver.project.project import Project
from mlver.records import layout
from tests.cli.conftest import assert_works
from tests.conftest import CHECKOUT, Repository
from tests.features.approving.conftest import Team
from tests.features.approving.forging import forge


def verify(team: Team) -> str:
    done = team.repository.mlver("verify", "--all")
    assert done.code == 1
    return " ".join(done.out.split())


def test_what_promote_made_is_right(team: Team) -> None:
    team.configure(signed=True)
    team.approve("ana")
    team.approve("leo")
    assert team.promote().code == 0
    assert_works(team.repository, "verify", "--all")


def test_a_promotion_without_its_approvals(team: Team) -> None:
    team.approve("ana")
    forge(team, 1)
    assert "has 1 of 2 approvals that its rule asks for" in verify(team)


def test_one_person_named_twice(team: Team) -> None:
    team.approve("ana")
    team.approve("ana", why="Again")
    forge(team, 1, 2)
    assert "has 1 of 2 approvals that its rule asks for" in verify(team)


def test_approvals_that_were_used_up(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    assert team.promote().code == 0
    assert_works(team.repository, "retire", "digits", "--stage", "production", "-m", "Empty")
    forge(team, 1, 2)
    said = verify(team)
    assert "has 0 of 2 approvals that its rule asks for" in said
    assert "that of ana@example.org was used up by an earlier promotion" in said


def test_approvals_under_another_rule(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    team.configure(within="30d")
    forge(team, 1, 2)
    assert "that of leo@example.org was given under another rule of the stage" in verify(team)


def test_approvals_beside_another_holder_that_the_promotion_does_not_name(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    team.become("pat")
    forced = ("promote", "digits@1.0.0", "--to", "production", "-m", "x", "--force")
    assert team.repository.mlver(*forced).code == 0
    forge(team, 1, 2, baseline=None)
    assert "that of ana@example.org was given while the stage was empty" in verify(team)


def test_an_approval_that_was_taken_back(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    team.become("ana")
    command = ("revoke", "digits@1.1.0", "--to", "production", "-m", "No")
    assert_works(team.repository, *command)
    forge(team, 1, 2)
    assert "that of ana@example.org was taken back" in verify(team)


def test_the_promoter_as_one_of_two(team: Team) -> None:
    team.approve("ana")
    team.approve("leo")
    forge(team, 1, 2, author="Leo <leo@example.org>")
    assert "that of leo@example.org is by who promotes it" in verify(team)


def test_unsigned_approvals_where_signed_ones_are_asked_for(team: Team) -> None:
    team.configure(signed=True)
    team.approve("ana")
    team.approve("leo")
    seal = layout.seal_path(layout.approval_path("digits", "1.1.0", "production", 2))
    (team.repository.path / seal).unlink()
    team.repository.git("commit", "--quiet", "--amend", "--all", "--no-edit")
    forge(team, 1, 2, signed="leo@example.org SHA256:forged")
    said = verify(team)
    assert "that of leo@example.org is not signed, and a name alone proves nothing" in said


def branch_off(team: Team) -> str:
    """Begin a branch under review; return the commit that it is to land on."""
    base = team.repository.git("rev-parse", "HEAD")
    team.repository.git("switch", "--quiet", "-c", "review")
    return base


def check(repository: Repository, base: str, head: str) -> tuple[int, str]:
    done = repository.mlver("hook", "check", "--from", base, "--to", head)
    return done.code, " ".join((done.out + done.err).split())


def land(team: Team, how: str) -> str:
    """Bring the branch under review to main as a forge would; return main's new commit."""
    repository = team.repository
    repository.git("switch", "--quiet", "main")
    if how == "squash":
        repository.git("merge", "--quiet", "--squash", "review")
        repository.git("commit", "--quiet", "-m", "Squashed")
    elif how == "rebase":
        repository.git("cherry-pick", "main..review")
    else:
        option = {"merge": "--no-ff", "fast-forward": "--ff-only"}[how]
        repository.git("merge", "--quiet", option, "--no-edit", "review")
    return repository.git("rev-parse", "HEAD")


WAYS = ("merge", "squash", "fast-forward", "rebase")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("restored", [False, True], ids=["weakened", "restored"])
def test_a_range_that_weakens_a_rule_and_uses_it(team: Team, how: str, restored: bool) -> None:
    base = branch_off(team)
    team.configure(min=1)
    team.approve("ana")
    # What the work tree says counts beside main; a forger writes the record.
    forge(team, 1, **_judge_by_head(team))
    if restored:
        team.configure()
    code, said = check(team.repository, base, land(team, how))
    assert code == 1
    assert "policy .mlver/models/digits/stages/production/0001.yaml" in said


def _judge_by_head(team: Team) -> dict[str, Any]:
    """What a promotion says of the policy where the branch itself were the main one."""
    team.repository.git("branch", "--quiet", "--force", "main-before", "main")
    team.repository.git("branch", "--quiet", "--force", "main", "HEAD")
    reference = read_judging_rules(
        Project.open_existing(team.repository.path), "production"
    ).reference
    team.repository.git("branch", "--quiet", "--force", "main", "main-before")
    return {"policy": reference}


@pytest.mark.parametrize("how", WAYS)
def test_a_range_that_adds_a_member_and_counts_them(team: Team, how: str) -> None:
    base = branch_off(team)
    config = team.repository.path / layout.CONFIG
    config.write_text(config.read_text().replace("ana@example.org", "eve@example.org"))
    team.repository.commit("A new lead")
    forge(team, **_judge_by_head(team))
    code, said = check(team.repository, base, land(team, how))
    assert code == 1
    # A squash takes the commit away whose rule judged.
    words = "which is not part of the history" if how == "squash" else "also names eve@example.org"
    assert words in said


@pytest.mark.parametrize("how", WAYS)
def test_a_range_that_adds_a_signer_and_counts_them(team: Team, how: str) -> None:
    team.configure(signed=True)
    base = branch_off(team)
    lines = [team.keys[name].allow() for name in team.keys]
    lines.append(team.keys["eve"].allow("leo@example.org"))
    lines.remove(team.keys["leo"].allow())
    # The branch plays the main one, for those who made it.
    team.repository.git("branch", "--quiet", "--force", "main-before", "main")
    team.allow(*(line for line in lines if line != team.keys["eve"].allow()))
    team.repository.git("branch", "--quiet", "--force", "main", "HEAD")
    team.approve("ana")
    team.approve("leo", key="eve")
    assert team.promote().code == 0
    team.repository.git("branch", "--quiet", "--force", "main", "main-before")
    code, said = check(team.repository, base, land(team, how))
    assert code == 1
    assert "that of leo@example.org is signed by eve@example.org" in said


def test_what_a_branch_approves_and_promotes_by_main_s_rules_comes_in(team: Team) -> None:
    team.configure(signed=True)
    base = branch_off(team)
    team.approve("ana")
    team.approve("leo")
    assert team.promote().code == 0
    code, said = check(team.repository, base, "review")
    assert (code, said) == (0, said)


@pytest.fixture
def server(team: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A bare repository with main as it is, which judges what arrives."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hook finds mlver
    team.configure(signed=True)
    bare = Repository(tmp_path / "forge.git")
    team.repository.git("clone", "--quiet", "--bare", ".", str(bare.path))
    assert_works(bare, "hook", "install", "--pre-receive")
    return bare


def push(team: Team, server: Repository) -> tuple[int, str]:
    done = subprocess.run(
        ["git", "push", "--quiet", "--follow-tags", str(server.path), "main"],
        cwd=team.repository.path,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, " ".join(done.stderr.replace("remote: ", "").split())


def test_a_server_refuses_a_push_that_adds_a_signer_and_counts_them(
    team: Team, server: Repository
) -> None:
    text = (team.repository.path / layout.ALLOWED_SIGNERS).read_text()
    for name in ("leo", "eve"):
        text = text.replace(team.keys[name].allow(), "")
    team.allow(text, team.keys["eve"].allow("leo@example.org"))
    team.approve("ana")
    team.approve("leo", key="eve")
    assert team.promote().code == 0
    code, said = push(team, server)
    assert code == 1
    assert "that of leo@example.org is signed by eve@example.org" in said


def test_a_server_takes_what_its_own_signers_signed(team: Team, server: Repository) -> None:
    team.approve("ana")
    team.approve("leo")
    assert team.promote().code == 0
    assert push(team, server) == (0, "")
