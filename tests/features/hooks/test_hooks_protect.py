"""A branch that takes merges only: no commit is made on it directly, by git or by mlver."""

from __future__ import annotations

import pytest

from tests.conftest import Repository
from tests.features.hooks.hooks import HookedRepository

pytestmark = pytest.mark.usefixtures("warm")

CONFIG = ".mlver/config.yaml"


def protect(repository: Repository, *branches: str) -> None:
    """Commit the setting on a branch, and merge it as a pull request would."""
    text = (repository.path / CONFIG).read_text()
    repository.write(CONFIG, f"{text}guard: {{protect: [{', '.join(branches)}]}}\n")
    repository.git("commit", "--quiet", "--no-verify", "--message", "protect", "--", CONFIG)


@pytest.fixture
def guarded(here: HookedRepository) -> HookedRepository:
    """Its main branch is protected."""
    protect(here, "main", "'release/*'")
    return here


def test_a_direct_commit_is_refused_and_one_on_a_branch_passes(guarded: HookedRepository) -> None:
    guarded.write("notes.txt", "a line\n")
    guarded.git("add", "notes.txt")
    said = guarded.assert_refuses("commit", "-m", "Straight to main")
    assert "git  main takes no direct commits (guard.protect in the settings)" in said
    assert "hint: git switch -c BRANCH" in said
    guarded.git("switch", "--quiet", "--create", "work")
    guarded.assert_passes("commit", "-m", "On a branch")


def test_a_merge_passes(guarded: HookedRepository) -> None:
    guarded.git("switch", "--quiet", "--create", "work")
    guarded.write("notes.txt", "a line\n")
    guarded.git("add", "notes.txt")
    guarded.assert_passes("commit", "-m", "On a branch")
    guarded.git("switch", "--quiet", "main")
    guarded.assert_passes("merge", "--no-ff", "--no-edit", "work")


def test_branches_are_named_by_globs(guarded: HookedRepository) -> None:
    guarded.git("switch", "--quiet", "--create", "release/2")
    said = guarded.assert_refuses("commit", "--allow-empty", "-m", "Straight to a release")
    assert "release/2 takes no direct commits" in said
    guarded.git("switch", "--quiet", "--create", "mainly")
    guarded.assert_passes("commit", "--allow-empty", "-m", "On another branch")


def test_no_commit_lifts_its_own_protection(guarded: HookedRepository) -> None:
    text = (guarded.path / CONFIG).read_text()
    guarded.write(CONFIG, text.replace("main, ", ""))
    assert "main takes no direct commits" in guarded.assert_refuses("commit", "-am", "No more")


@pytest.mark.parametrize(
    "how", ["edited", "deleted", "moved away", "symlink", "folder", "sparse", "other index"]
)
def test_what_lies_in_the_work_tree_lifts_no_protection(
    guarded: HookedRepository, how: str
) -> None:
    config = guarded.path / CONFIG
    text = config.read_text()
    if how == "sparse":
        guarded.git("sparse-checkout", "set", "--no-cone", "/*", "!/.mlver/config.yaml")
        assert not config.exists()
    elif how == "moved away":
        config.parent.rename(guarded.path / "away")
    elif how == "other index":
        guarded.git("update-index", "--index-version", "4")
        config.write_text(text.partition("guard:")[0])
    else:
        config.unlink()
        if how == "edited":
            config.write_text(text.partition("guard:")[0])
        elif how == "symlink":
            config.symlink_to("/dev/null")
        elif how == "folder":
            config.mkdir()
    guarded.write("notes.txt", "a line\n")
    guarded.git("add", "--sparse", "notes.txt")
    assert "main takes no direct commits" in guarded.assert_refuses("commit", "-m", "Straight")


def test_a_detached_head_is_on_no_branch(guarded: HookedRepository) -> None:
    guarded.git("switch", "--quiet", "--detach")
    guarded.assert_passes("commit", "--allow-empty", "-m", "On no branch")


def test_mlver_says_so_before_it_writes_anything(guarded: HookedRepository) -> None:
    guarded.write("model/weights.safetensors", b"third")
    before = guarded.git("rev-parse", "HEAD")
    objects = sorted((guarded.path / ".git/mlver").rglob("*"))
    for argv in (
        ("register", "digits", "--bump", "minor", "-m", "why"),
        ("register", "digits", "--bump", "minor", "-m", "why", "--dry-run"),
        ("promote", "digits@1.0.0", "--to", "staging", "-m", "why"),
        ("rollback", "digits", "--stage", "production", "-m", "why"),
        ("adopt",),
    ):
        done = guarded.mlver(*argv)
        assert done.code == 3, argv
        assert "main takes no direct commits (guard.protect in .mlver/config.yaml)" in done.err
        assert "hint: git switch -c BRANCH" in done.err
        assert ("--no-commit" in done.err) == (argv[0] == "register")
    assert guarded.git("rev-parse", "HEAD") == before
    assert guarded.git("status", "--porcelain") == ""
    assert [
        path for path in sorted((guarded.path / ".git/mlver").rglob("*")) if path.is_file()
    ] == [path for path in objects if path.is_file()]
    staged = guarded.mlver("register", "digits", "--bump", "minor", "-m", "why", "--no-commit")
    assert staged.code == 0, staged.err
    guarded.git("switch", "--quiet", "--create", "work")
    guarded.assert_passes("commit", "-m", "register digits 1.2.0")


def test_the_first_commit_has_no_branch_to_come_from(repository: Repository) -> None:
    repository.git("update-ref", "-d", "HEAD")
    assert repository.mlver("init").code == 0
    text = (repository.path / CONFIG).read_text()
    repository.write(CONFIG, f"{text}guard: {{protect: [main]}}\n")
    repository.write("w.bin", "weights")
    repository.write(".gitignore", "/w.bin\n")
    argv = ("register", "m", "--weights", "w.bin", "-m", "why", "--allow-dirty")
    done = repository.mlver(*argv)
    assert done.code == 0, done.err
