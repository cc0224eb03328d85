"""A seal may be deleted only where its record has landed on no branch of the other side."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.clashes import (
    VERSION,
    VERSION_PATH,
    Clash,
    attempt_git,
    clash_versions,
    register_version,
)
from tests.cli.conftest import assert_works
from tests.conftest import CHECKOUT, Repository

DELETION = f":refs/tags/{VERSION}"
REFUSAL = f"{VERSION} seals a version, and would be deleted"
LINE_SEAL = "digits@v1.1.1"


@pytest.fixture
def clash(first: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clash:
    """Kim's 1.1.0 has landed and is sealed at the remote."""
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # where the hooks find mlver
    return clash_versions(first, tmp_path)


@pytest.fixture
def stale(clash: Clash) -> Repository:
    """A clone with pre-push that has Kim's tag, and the remote's main branch as it was before."""
    lee = clash.lee
    assert_works(lee, "hook", "install")
    lee.git("tag", "-d", VERSION)
    lee.git("fetch", "--quiet", "--no-tags", "origin", f"refs/tags/{VERSION}:refs/tags/{VERSION}")
    assert lee.git("rev-parse", "origin/main") != clash.kim.git("rev-parse", "main")
    return lee


@pytest.fixture
def receiving(clash: Clash) -> Clash:
    """The same, and the remote judges what arrives. Kim's line 1.1 has a version of its own."""
    kim = clash.kim
    kim.git("switch", "--quiet", "-c", "release/1.1")
    register_version(kim, 3, "patch")
    kim.git("push", "--quiet", "origin", "release/1.1")
    kim.git("push", "--quiet", "origin", LINE_SEAL)
    assert_works(clash.remote, "hook", "install", "--pre-receive")
    return clash


def assert_kept(repository: Repository, *words: str) -> str:
    """What is said of a push that is refused."""
    done = attempt_git(repository, "push", *words)
    assert done.code != 0, done
    assert "mlver refuses this push" in done.err, done.err
    assert "fatal" not in done.err
    return done.err


def test_a_stale_clone_deletes_no_seal_of_what_landed(stale: Repository) -> None:
    assert REFUSAL in assert_kept(stale, "origin", DELETION)


def test_a_clone_that_lacks_what_the_remote_has_is_told_to_fetch(
    clash: Clash, stale: Repository
) -> None:
    clash.kim.git("commit", "--quiet", "--allow-empty", "-m", "More")
    clash.kim.git("push", "--quiet", "origin", "main")
    said = assert_kept(stale, "origin", DELETION)
    assert f"{REFUSAL}: origin has commits that were not fetched yet" in said
    (hint,) = [line for line in said.splitlines() if "hint: git fetch" in line]
    program, *words = shlex.split(hint.partition("hint: ")[2])
    assert program == "git"
    stale.git(*words)
    assert "not fetched" not in assert_kept(stale, "origin", DELETION)


def test_a_clone_that_cannot_ask_deletes_nothing(clash: Clash, stale: Repository) -> None:
    """A remote that is pushed to by its address, and one that does not answer."""
    said = assert_kept(stale, str(clash.remote.path), DELETION)
    assert f"{REFUSAL}: what has landed is known of this clone's remotes only" in said
    url = stale.git("remote", "get-url", "origin")
    stale.git("remote", "set-url", "--push", "origin", url)
    stale.git("remote", "set-url", "origin", f"{url}/nowhere")
    said = assert_kept(stale, "origin", DELETION)
    assert f"{REFUSAL}: origin does not say what has landed there" in said


def test_the_seals_of_a_line_of_releases_stay(receiving: Clash) -> None:
    kim = receiving.kim
    said = assert_kept(kim, "--no-verify", "origin", f":refs/tags/{LINE_SEAL}")
    assert f"{LINE_SEAL} seals a version, and would be deleted" in said
    assert_works(kim, "hook", "install")
    assert "would be deleted" in assert_kept(kim, "origin", f":refs/tags/{LINE_SEAL}")


def test_a_seal_goes_with_the_only_branch_that_holds_its_record(receiving: Clash) -> None:
    deletions = (":refs/heads/release/1.1", f":refs/tags/{LINE_SEAL}")
    assert attempt_git(receiving.kim, "push", "--no-verify", "origin", *deletions).code == 0
    assert LINE_SEAL not in receiving.list_tags()


def test_a_branch_that_is_rewound_in_the_same_push_holds_nothing(receiving: Clash) -> None:
    words = ("--force", "origin", "main:release/1.1", f":refs/tags/{LINE_SEAL}")
    assert attempt_git(receiving.kim, "push", "--no-verify", *words).code == 0


def test_another_branch_may_be_the_one_that_head_names(receiving: Clash) -> None:
    receiving.remote.git("branch", "develop", "main~1")
    receiving.remote.git("symbolic-ref", "HEAD", "refs/heads/develop")
    assert receiving.remote.git("ls-tree", "-r", "develop", VERSION_PATH) == ""
    assert REFUSAL in assert_kept(receiving.kim, "--no-verify", "origin", DELETION)


def test_a_head_that_names_no_branch_is_told(receiving: Clash) -> None:
    receiving.remote.git("symbolic-ref", "HEAD", "refs/heads/none")
    said = assert_kept(receiving.kim, "--no-verify", "origin", DELETION)
    assert f"{REFUSAL}: HEAD there names no branch that exists" in said
    assert "hint: git symbolic-ref HEAD refs/heads/BRANCH" in said
