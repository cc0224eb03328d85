"""What may be pushed: judged on the way out by pre-push, and where it arrives by pre-receive, tags
above all.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, Repository
from tests.features.hooks.hooks import PROMOTION, RECORD, HookedRepository, with_hooks

pytestmark = pytest.mark.usefixtures("warm")

OUT, IN = ("push", "origin"), ("push", "--no-verify", "origin")
TAG = "digits@v1.0.0"


@pytest.fixture
def here(pushing: HookedRepository) -> HookedRepository:
    """A clone with pre-push, of a bare repository with pre-receive."""
    return pushing


def refused(here: HookedRepository, *words: str) -> str:
    """What both sides say of the same push: the same, each by itself."""
    before = here.git("ls-remote", "origin")
    out, arriving = (
        here.attempt_git("push", "--dry-run", "origin", *words),
        here.attempt_git(*IN, *words),
    )
    for said in (out, arriving):
        assert said.code != 0, said
        assert "mlver refuses this push" in said.err, said.err
        assert "hint: " in said.err
        assert "Traceback" not in said.err
    assert "remote: mlver refuses" in arriving.err
    assert here.git("ls-remote", "origin") == before
    return out.err + arriving.err


@pytest.mark.usefixtures("cold")
def test_what_mlver_made_passes_and_what_stays_behind_is_told(here: HookedRepository) -> None:
    path = here.add_unsealed("2.0.0")
    here.commit("Claim")
    assert f"{path} is sealed by no tag yet" in here.assert_passes(
        "push", "--dry-run", "origin", "main"
    )
    assert here.mlver("tag").code == 0
    assert "digits@v2.0.0 does not go along to origin" in here.assert_passes(*OUT, "main")
    here.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "More")
    assert "go along" not in here.assert_passes(*OUT, "main")
    assert here.mlver("tag", "--push").code == 0
    assert len(here.git("ls-remote", "--tags", "--refs", "origin").splitlines()) == 4


def test_seals_that_stayed_behind_are_told_of_until_they_are_there(here: HookedRepository) -> None:
    assert here.mlver("tag", "--push").code == 0
    assert here.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "Go").code == 0
    (tag,) = here.git("tag", "--points-at", "HEAD").split()
    assert f"{tag} does not go along to origin" in here.assert_passes(*OUT, "main")
    here.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "No record")
    told = here.assert_passes(*OUT, "main")
    assert f"{tag} is not at origin yet" in told
    assert "hint: mlver tag --push" in told
    assert here.mlver("tag", "--push").code == 0
    here.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "No record")
    assert f"{tag} is not at" not in here.assert_passes(*OUT, "main")
    # Nobody is asked again, as nothing was sealed since.
    (noted,) = (here.path / ".git/mlver/remotes").glob("seals-*")
    before = noted.stat().st_mtime_ns
    here.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "No record")
    assert f"{tag} is not at" not in here.assert_passes(*OUT, "main")
    assert noted.stat().st_mtime_ns == before


@pytest.mark.parametrize("branch", ["main", "master"])
def test_a_first_push_brings_promotions_to_a_repository_without_commits(
    second: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, branch: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    remote = HookedRepository(tmp_path / "empty.git")
    remote.path.mkdir()
    remote.git("init", "--quiet", "--bare", f"--initial-branch={branch}")
    assert remote.mlver("hook", "install", "--pre-receive").code == 0
    second.write("notes.txt", "A commit that changes no record and no settings.")
    second.commit("Notes")
    assert second.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "Go").code == 0
    second.git("remote", "add", "origin", str(remote.path))
    with_hooks(second).assert_passes(*OUT, "main")


def test_what_is_there_already_does_not_stay_behind(here: HookedRepository) -> None:
    here.git("switch", "--quiet", "-c", "theirs")
    here.add_unsealed("2.0.0")
    here.commit("Somebody else's")
    here.git(*IN, "theirs:main")
    here.git("switch", "--quiet", "main")
    here.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "Mine")
    here.assert_passes("merge", "--no-edit", "theirs")
    assert "2.0.0" not in here.assert_passes(*OUT, "main")


def test_a_seal_on_its_own_passes_and_never_moves_or_goes_away(here: HookedRepository) -> None:
    here.assert_passes(*OUT, TAG)
    deleting = refused(here, f":{TAG}")
    assert f"{TAG} seals a version, and would be deleted" in deleting
    assert f"hint: git fetch origin refs/tags/{TAG}:refs/tags/{TAG}" in deleting
    # Where it arrives, nobody knows what whoever pushes calls this remote.
    assert f"hint: git fetch REMOTE refs/tags/{TAG}:refs/tags/{TAG}" in deleting
    here.git("remote", "rename", "origin", "upstream")
    leaving = here.attempt_git("push", "--dry-run", "upstream", f":{TAG}")
    assert f"hint: git fetch upstream refs/tags/{TAG}:refs/tags/{TAG}" in leaving.err
    here.git("remote", "rename", "upstream", "origin")
    message = here.git("tag", "--list", "--format=%(contents)", TAG)
    here.git("tag", "--force", "--annotate", "--message", message, TAG, "HEAD")
    assert f"{TAG} seals a version there already, and would be moved" in refused(
        here, "--force", TAG
    )


def test_a_promotions_seal_is_held_to_the_same(here: HookedRepository) -> None:
    """It starts the deployment."""
    tag = "digits@production.1"
    digest = hashlib.sha256((here.path / PROMOTION).read_bytes()).hexdigest()
    here.git("tag", "digits@staging.1")  # a stage nobody knows
    here.git("tag", "--force", tag)
    assert f"{tag} is a lightweight tag" in refused(here, tag)
    here.git(
        "tag", "--force", "--annotate", "--message", f"x\n\nMlver-Record: sha256:{'ab' * 32}", tag
    )
    assert f"{tag} points at a commit that holds another record" in refused(here, tag)
    here.git(
        "tag", "--force", "--annotate", "--message", f"x\n\nMlver-Record: sha256:{digest}", tag
    )
    here.assert_passes(*OUT, tag, "digits@staging.1")
    assert f"{tag} seals a promotion, and would be deleted" in refused(here, f":{tag}")
    here.git(
        "tag", "--force", "--annotate", "--message", f"y\n\nMlver-Record: sha256:{digest}", tag
    )
    assert f"{tag} seals a promotion there already, and would be moved" in refused(
        here, "--force", tag
    )


def test_a_tag_that_seals_nothing_is_refused(here: HookedRepository) -> None:
    message = here.git("tag", "--list", "--format=%(contents)", TAG)
    here.git("tag", "digits@v3.0.0")
    assert "digits@v3.0.0 is a lightweight tag" in refused(here, "digits@v3.0.0")
    here.git("tag", "--annotate", "--message", message, "digits@v4.0.0")
    assert "points at a commit that does not hold the record" in refused(here, "digits@v4.0.0")
    here.git(
        "tag", "--force", "--annotate", "--message", f"x\n\nMlver-Record: sha256:{'ab' * 32}", TAG
    )
    assert f"{TAG} points at a commit that holds another record" in refused(here, TAG)


def test_a_tag_is_judged_by_the_commit_that_git_takes_it_for(here: HookedRepository) -> None:
    """A tag object with a second header that names another commit, the sealed one."""
    sealed, other = (
        here.git("rev-parse", f"{TAG}^{{commit}}"),
        here.git("rev-list", "--max-parents=0", "main"),
    )
    text = here.git("cat-file", "tag", TAG).replace(f"object {sealed}", f"object {other}")
    head, _, message = text.partition("\n\n")
    (here.path / ".git/forged").write_text(f"{head}\nobject {sealed}\n\n{message}\n")
    made = here.git("hash-object", "-t", "tag", "-w", "--literally", ".git/forged")
    here.git("update-ref", f"refs/tags/{TAG}", made)
    assert here.git("rev-parse", f"{TAG}^{{commit}}") == other
    assert f"{TAG} points at a commit that does not hold the record" in refused(here, TAG)


def test_a_tag_that_is_none_of_mlvers_may_do_as_it_likes(here: HookedRepository) -> None:
    names = ("package@v1.2.3", "v1.0", "digits@vnext")
    for name in names:
        here.git("tag", name)
    here.assert_passes(*OUT, *names)
    here.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "More")
    for name in names:
        here.git("tag", "--force", name)
    here.assert_passes(*OUT, "--force", *names)
    here.assert_passes(*OUT, *(f":{name}" for name in names))


@pytest.mark.parametrize("path", [RECORD, PROMOTION])
def test_a_landed_record_that_was_edited_or_deleted_is_refused(
    here: HookedRepository, path: str
) -> None:
    start = here.git("rev-parse", "HEAD")
    here.edit_record(path)
    here.git("commit", "--quiet", "--no-verify", "-am", "Edit")
    assert f"{path} is not the record that landed in {start[:10]}" in refused(here, "main")
    here.git("rm", "--quiet", path)
    here.git("commit", "--quiet", "--no-verify", "-m", "Delete")
    assert f"{path} is deleted, though it landed in {start[:10]}" in refused(here, "main")
    here.git("checkout", start, "--", path)
    here.git("commit", "--quiet", "--no-verify", "-m", "Put back, which undoes no deed")
    assert f"{path} was " in refused(here, "main")


def test_what_only_rewinds_main_is_refused_where_it_arrives(here: HookedRepository) -> None:
    first = here.git("rev-list", "--max-parents=0", "main")
    arriving = here.attempt_git(*IN, "--force", f"{first}:main")
    assert arriving.code != 0
    assert f"{RECORD} is deleted, though it landed" in arriving.err
    remote = HookedRepository(here.path.parent / "remote.git")
    remote.git("config", "receive.denyDeleteCurrent", "ignore")
    arriving = here.attempt_git(*IN, ":main")
    assert arriving.code != 0
    assert "files of records, and would be deleted" in arriving.err


@pytest.mark.parametrize("how", ["merged", "turned around"])
def test_a_branch_does_not_take_back_what_main_had(here: HookedRepository, how: str) -> None:
    here.git("switch", "--quiet", "-c", "topic")
    path = here.add_unsealed("2.0.0", "Theirs")
    here.commit("Theirs")
    here.git("switch", "--quiet", "main")
    here.add_unsealed("2.0.0", "Ours")
    here.commit("Ours")
    if how == "merged":
        assert "was replaced" not in here.assert_passes(*OUT, "main")
        here.attempt_git("merge", "topic")
        here.git("checkout", "topic", "--", path)
    else:  # a merge whose first parent is the branch; main was not even pushed
        here.git("switch", "--quiet", "topic")
        here.assert_passes(*OUT, "main")
        here.attempt_git("merge", "main")
        here.git("checkout", "topic", "--", path)
    here.git("commit", "--quiet", "--no-verify", "-m", "Merge")
    assert f"{path} is not the record that landed" in refused(here, "HEAD:main")


def test_on_main_a_merge_replaces_nothing_that_was_never_pushed_either(
    here: HookedRepository,
) -> None:
    here.git("switch", "--quiet", "-c", "topic")
    path = here.add_unsealed("2.0.0", "Theirs")
    here.commit("Theirs")
    here.git("switch", "--quiet", "main")
    here.add_unsealed("2.0.0", "Ours")
    here.commit("Ours")
    here.attempt_git("merge", "topic")
    here.git("checkout", "topic", "--", path)
    here.git("commit", "--quiet", "--no-verify", "-m", "Merge")
    arriving = here.attempt_git(*IN, "main")
    assert arriving.code != 0
    assert f"{path} was replaced in commit" in arriving.err


@pytest.mark.usefixtures("cold")
def test_an_invalid_record_is_refused_on_any_branch(here: HookedRepository) -> None:
    path = ".mlver/models/digits/versions/2.0.0.yaml"
    here.write(path, "nonsense: true\n")
    here.git("add", "--all")
    here.git("commit", "--quiet", "--no-verify", "-m", "Nonsense")
    assert f"{path} is not valid" in refused(here, "main:refs/heads/topic")


def test_a_branch_of_ones_own_is_edited_freely_where_it_arrives(here: HookedRepository) -> None:
    here.git("switch", "--quiet", "-c", "topic")
    path = here.add_unsealed("2.0.0", "Claim")
    here.commit("Claim")
    here.add_unsealed("2.0.0", "Better")
    here.git("commit", "--quiet", "--no-verify", "-am", "Better")
    assert here.attempt_git(*IN, "topic").code == 0
    arriving = here.attempt_git(*IN, "topic:main")
    assert f"{path} was changed in commit" in arriving.err
    here.assert_passes(*OUT, ":topic")


def test_a_hostile_name_on_stdin_changes_nothing(here: HookedRepository) -> None:
    zeros, ones = "0" * 40, "1" * 40
    run = (sys.executable, "-P", "-m", "mlver", "hook", "pre-receive")
    remote = HookedRepository(here.path.parent / "remote.git")
    for line in (
        f"{zeros} {ones} refs/tags/--output=x@v1.0.0",
        f"{zeros} {ones} refs/tags/digits@v1.0.0",
    ):
        done = remote.run_process(*run, stdin=f"{line}\n", GIT_DIR=".")
        assert "Traceback" not in done.err
    assert remote.run_process(*run, stdin="one\n", GIT_DIR=".").code == 2
    assert remote.run_process(*run, stdin="", GIT_DIR=".").code == 0
