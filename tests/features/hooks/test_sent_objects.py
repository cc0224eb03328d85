"""A push that git makes by itself sends the objects of its versions first, or is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.features.hooks.conftest import install_hooks
from tests.features.hooks.hooks import HookedRepository, with_hooks
from tests.teams import Team, make_team

pytestmark = pytest.mark.usefixtures("warm")


@pytest.fixture
def team(tmp_path: Path, warm_python: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    """Ann has a version, and the hooks; the remote is confirmed, and has nothing yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hooks find mlver
    made = make_team(tmp_path)
    assert made.ann.mlver("remote", "show", "store", "--yes").code == 0
    install_hooks(made.ann, warm_python)
    return made


@pytest.fixture
def ann(team: Team) -> HookedRepository:
    return with_hooks(team.ann)


def list_published(team: Team) -> str:
    return team.ann.git("ls-remote", "origin")


def count_pins(team: Team) -> int:
    return len(list((team.bucket / "pins").glob("*.json")))


def test_objects_are_there_before_git_names_them(team: Team, ann: HookedRepository) -> None:
    seen = team.place / "seen"
    receiving = team.forge / "hooks" / "pre-receive"
    receiving.parent.mkdir(exist_ok=True)
    receiving.write_text(f'#!/bin/sh\nfind "{team.bucket}" -type f >"{seen}"\n')
    receiving.chmod(0o755)
    told = ann.assert_passes("push", "--follow-tags", "origin", "main")
    assert "store got what it lacked (3 objects" in told
    assert "refs/tags/digits@v1.0.0" in list_published(team)
    keys = team.list_blobs()
    assert {key.split("/")[0] for key in keys} == {"objects", "packs"}
    before = seen.read_text()
    assert all(key in before for key in keys)


def test_what_they_rely_on_stays_pinned_for_a_while(team: Team, ann: HookedRepository) -> None:
    """The hook ends before git pushes, so nobody is left who could take the pin away."""
    ann.assert_passes("push", "--follow-tags", "origin", "main")
    assert count_pins(team) == 1


def test_mlver_push_does_not_send_them_twice(team: Team) -> None:
    done = team.ann.mlver("push")
    assert done.code == 0, done.err
    assert "refs/heads/main" in list_published(team)
    # The hook would have left a pin of its own.
    assert count_pins(team) == 0


def test_a_push_is_refused_while_the_remote_is_away(team: Team, ann: HookedRepository) -> None:
    marker = team.bucket / ".mlver-store"
    marker.unlink()
    told = ann.assert_refuses("push", "--follow-tags", "origin", "main")
    assert f"{team.bucket} is no store of mlver's" in told
    assert list_published(team) == ""
    assert team.list_blobs() == []
    marker.touch()
    ann.assert_passes("push", "--follow-tags", "origin", "main")


def test_a_push_is_refused_without_the_objects(team: Team, ann: HookedRepository) -> None:
    shutil.rmtree(team.ann.path / ".git/mlver/objects")
    told = ann.assert_refuses("push", "--follow-tags", "origin", "main")
    assert "are neither here nor at store" in told
    assert "mlver doctor --fix" in told
    assert list_published(team) == ""


def test_a_push_is_refused_where_nobody_confirmed_the_remote(
    team: Team, ann: HookedRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(team.place / "other"))
    told = ann.assert_refuses("push", "--follow-tags", "origin", "main")
    assert "mlver remote show store --yes" in told
    assert list_published(team) == ""
    assert team.list_blobs() == []


def test_a_push_without_new_versions_asks_no_remote(team: Team, ann: HookedRepository) -> None:
    assert team.ann.mlver("push").code == 0
    ann.write("notes.md", "A note\n")
    ann.commit("Take notes")
    (team.bucket / ".mlver-store").unlink()
    ann.assert_passes("push", "origin", "main")


def test_the_seal_alone_sends_them_as_well(team: Team, ann: HookedRepository) -> None:
    """Without hooks the branch went first; its tag brings what that push left out."""
    ann.git("push", "--quiet", "--no-verify", "origin", "main")
    assert team.list_blobs() == []
    ann.assert_passes("push", "origin", "digits@v1.0.0")
    assert team.list_blobs()


def test_a_push_to_an_address_sends_them_as_well(team: Team, ann: HookedRepository) -> None:
    """It is no remote of git, so gc is told where to read what somebody needs from there."""
    ann.git("remote", "remove", "origin")
    told = ann.assert_passes("push", "--follow-tags", team.forge.as_uri(), "main")
    assert "store got what it lacked (3 objects" in told
    assert team.list_blobs()
    assert "refs/mlver/code/digits/1.0.0" in ann.git("ls-remote", team.forge.as_uri())
    announced = [path.read_text() for path in (team.bucket / "repositories").glob("*.json")]
    assert any("/forge.git" in text for text in announced)


def test_a_push_to_an_address_is_refused_without_the_objects(
    team: Team, ann: HookedRepository
) -> None:
    shutil.rmtree(team.ann.path / ".git/mlver/objects")
    told = ann.assert_refuses("push", "--follow-tags", team.forge.as_uri(), "main")
    assert "are neither here nor at store" in told
    assert list_published(team) == ""


def test_pinned_data_goes_with_the_versions(team: Team, ann: HookedRepository) -> None:
    """Whoever evaluates them elsewhere needs it."""
    ann.write("exam.csv", "what gates measure on\n")
    assert team.ann.mlver("config", "pin", "exam", "exam.csv").code == 0
    ann.git("add", ".mlver")
    ann.git("commit", "--quiet", "-m", "Pin the exam")
    ann.assert_passes("push", "--follow-tags", "origin", "main")
    contents = b"".join(path.read_bytes() for path in team.bucket.rglob("*") if path.is_file())
    assert b"what gates measure on" in contents
