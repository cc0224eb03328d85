"""A branch that merges main is not asked again about what others landed there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mlver.features.hooks.push import judge_pre_push
from mlver.records import layout
from tests.conftest import CHECKOUT, Repository
from tests.project.audit.forging import Town
from tests.project.helpers import register_one, write_artifact

ALICE = "Alice <alice@example.org>"
Work = Callable[[Town], None]


def register(town: Town) -> None:
    write_artifact(town.repository, "w", {"a": "1.2.0"})
    register_one(town.project, version="1.2.0")
    town.repository.git("tag", "--delete", "m@v1.2.0")


def promote(town: Town) -> None:
    town.promote("1.1.0", "staging")
    town.repository.git("tag", "--delete", "m@staging.2")


def forge_version(town: Town) -> None:
    """Write what the last version says, in Alice's name."""
    path = layout.version_path("m", "1.1.0")
    text = (town.repository.path / path).read_text()
    forged = text.replace("1.1.0", "1.3.0").replace("1.0.0", "1.1.0")
    lines = [f"author: {ALICE}" if "author:" in line else line for line in forged.splitlines()]
    town.repository.write(layout.version_path("m", "1.3.0"), "\n".join([*lines, ""]))
    town.repository.commit("docs")


def forge_promotion(town: Town) -> None:
    town.write_forgery(created="2026-01-06T03:04:05Z", author=ALICE)
    town.repository.commit("docs")


def land_by_colleague(town: Town, server: Repository, work: Work, base: str) -> None:
    """Cleo works on a branch, and Bob squashes that onto `base`; `side` was pushed before."""
    git = town.repository.git
    git("remote", "add", "origin", os.fspath(server.path))
    git("switch", "--quiet", "-c", "side")
    town.enter("Ada", day=1)
    town.repository.write("other.txt", "x")
    town.repository.commit("Other work")
    git("switch", "--quiet", "-c", "cleo", "main")
    town.enter("Cleo", day=2)
    work(town)
    town.enter("Bob", day=3)
    git("switch", "--quiet", "-C", base, "main")
    git("merge", "--quiet", "--squash", "cleo")
    git("commit", "--quiet", "-m", "Squashed")
    git("push", "--quiet", "origin", "side", base)
    git("branch", "--quiet", "-D", "cleo")
    git("switch", "--quiet", "side")
    town.enter("Ada", day=4)
    git("merge", "--quiet", "--no-edit", base)


@pytest.fixture
def server(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    bare = Repository(tmp_path / "server.git")
    town.repository.git("clone", "--quiet", "--bare", ".", os.fspath(bare.path))
    return bare


def guard_server(server: Repository) -> None:
    """Let `pre-receive` judge from now on."""
    assert server.mlver("hook", "install", "--pre-receive").code == 0


def check_side(town: Town) -> int:
    """Judge what was added to `side` since it was pushed, as a pipeline does."""
    town.repository.git("fetch", "--quiet", "origin")
    return town.repository.mlver("hook", "check", "--from", "origin/side", "--to", "side").code


def prepare_push(town: Town) -> int:
    git = town.repository.git
    before, after = git("rev-parse", "origin/side"), git("rev-parse", "side")
    line = f"refs/heads/side {after} refs/heads/side {before}"
    return judge_pre_push(town.repository.path, [line], "origin").exit_code


@pytest.mark.parametrize(("work", "forge"), [(register, forge_version), (promote, forge_promotion)])
def test_what_main_has_is_not_judged_again(
    town: Town, server: Repository, work: Work, forge: Work
) -> None:
    land_by_colleague(town, server, work, "main")
    guard_server(server)
    assert (check_side(town), prepare_push(town)) == (0, 0)
    town.repository.git("push", "--quiet", "origin", "side")
    forge(town)
    assert (check_side(town), prepare_push(town)) == (1, 1)
    with pytest.raises(pytest.fail.Exception, match="names Alice"):
        town.repository.git("push", "--quiet", "origin", "side")


@pytest.mark.parametrize("work", [register, promote])
def test_nor_what_another_branch_of_the_server_has(
    town: Town, server: Repository, work: Work
) -> None:
    land_by_colleague(town, server, work, "develop")
    guard_server(server)
    town.repository.git("fetch", "--quiet", "origin")
    assert prepare_push(town) == 0
    town.repository.git("push", "--quiet", "origin", "side")
    # it has not landed yet, whoever has it
    with pytest.raises(pytest.fail.Exception, match="names Cleo"):
        town.repository.git("push", "--quiet", "origin", "develop:main")


def test_main_does_not_vouch_for_what_was_just_pushed_to_it(town: Town, server: Repository) -> None:
    git = town.repository.git
    before = git("rev-parse", "main")
    town.enter("Mallory", day=4)
    forge_version(town)
    git("remote", "add", "origin", os.fspath(server.path))
    git("push", "--quiet", "origin", "main")
    git("fetch", "--quiet", "origin")
    assert town.repository.mlver("hook", "check", "--from", before, "--to", "main").code == 1
    town.repository.write("later.txt", "x")
    town.repository.commit("Later")
    git("push", "--quiet", "origin", "main")
    git("fetch", "--quiet", "origin")
    assert town.repository.mlver("hook", "check", "--from", before, "--to", "main~1").code == 1


def test_a_fork_that_lags_behind_takes_what_upstream_has(
    town: Town, server: Repository, tmp_path: Path
) -> None:
    git = town.repository.git
    fork = tmp_path / "fork.git"
    git("clone", "--quiet", "--bare", os.fspath(server.path), os.fspath(fork))
    land_by_colleague(town, server, register, "main")
    git("remote", "add", "fork", os.fspath(fork))
    git("fetch", "--quiet", "--all")
    new, old = git("rev-parse", "main"), git("rev-parse", "fork/main")
    line = f"refs/heads/main {new} refs/heads/main {old}"
    assert judge_pre_push(town.repository.path, [line], "fork").exit_code == 0


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("named", [True, False])
def test_main_here_does_not_vouch_for_itself_when_it_is_pushed(
    town: Town, server: Repository, named: bool, is_first: bool
) -> None:
    """Nothing was fetched: the remote is new here, or is named by its address alone."""
    git = town.repository.git
    address = os.fspath(server.path)
    if named:
        git("remote", "add", "origin", address)
    town.enter("Mallory", day=4)
    before = git("rev-parse", "HEAD")
    old = "0" * 40 if is_first else before

    def push(branch: str) -> int:
        line = f"refs/heads/{branch} {git('rev-parse', branch)} refs/heads/{branch} {old}"
        return judge_pre_push(
            town.repository.path, [line], "origin" if named else address
        ).exit_code

    assert push("main") == 0
    forge_version(town)
    assert push("main") == 1
    git("switch", "--quiet", "-c", "side")
    town.repository.write("later.txt", "x")
    town.repository.commit("Later")
    assert push("side") == 1
