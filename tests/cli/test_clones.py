"""Two people, two clones, no server: what merges, what collides, and a badly settled conflict."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import assert_refused, assert_works, train_model
from tests.conftest import Repository

RECORD = ".mlver/models/digits/versions/1.1.0.yaml"


@pytest.fixture
def clones(first: Repository, tmp_path: Path) -> tuple[Repository, Repository]:
    """Kim's and Lee's clones of one remote with digits 1.0.0; Lee's has the objects as well."""
    first.git("clone", "--quiet", "--bare", ".", "../remote.git")
    found = []
    for name in ("kim", "lee"):
        first.git("clone", "--quiet", "../remote.git", f"../{name}")
        clone = Repository(tmp_path / name)
        subprocess.run(
            ["cp", "-r", ".git/mlver", f"../{name}/.git/mlver"], cwd=first.path, check=True
        )
        train_model(clone, 1, commit=False)
        found.append(clone)
    return found[0], found[1]


def merge(into: Repository) -> subprocess.CompletedProcess[str]:
    """Bring the remote's main in, without its tags: they would collide first."""
    into.git("fetch", "--quiet", "--no-tags", "origin", "main")
    return subprocess.run(
        ["git", "merge", "--no-edit", "FETCH_HEAD"],
        cwd=into.path,
        capture_output=True,
        text=True,
        check=False,
    )


def register(clone: Repository, run: int, *words: str) -> None:
    train_model(clone, run, commit=False)
    assert_works(clone, "register", "digits", *words, "-m", f"Run {run}")
    clone.git("checkout", "--", "params.yaml", "metrics.json")


def test_different_versions_merge_without_a_conflict(clones: tuple[Repository, Repository]) -> None:
    kim, lee = clones
    register(kim, 2, "--bump", "minor")
    register(lee, 3, "--bump", "major")
    assert_works(kim, "promote", "digits@1.0.0", "--to", "staging", "-m", "Try")
    assert_works(lee, "promote", "digits@1.0.0", "--to", "production", "-m", "Release")
    kim.git("push", "--quiet", "origin", "main")
    assert "pushed 2 tags to origin" in assert_works(kim, "tag", "--push")
    assert merge(lee).returncode == 0
    sealed = assert_works(lee, "tag")
    version, promotion = (
        lee.git("rev-parse", "--short=10", f"{name}^{{commit}}")
        for name in ("digits@v1.1.0", "digits@staging.1")
    )
    assert sealed == (
        f"Sealed digits@v1.1.0  on commit {version}\n"
        f"Sealed digits@staging.1  on commit {promotion}\n"
        "next: mlver tag --push\n"
    )
    listed = assert_works(lee, "list")
    assert [line.split()[0] for line in listed.splitlines()[3:]] == ["2.0.0", "1.1.0", "1.0.0"]
    assert "staging" in listed
    lee.git("push", "--quiet", "origin", "main")
    assert (
        assert_works(lee, "tag", "--push")
        == "every record on HEAD is sealed already\npushed 2 tags to origin\n"
    )
    # Kim's own seal and Lee's are of one record
    assert lee.git("tag", "--format=%(contents)", "--list", "digits@v1.1.0") == kim.git(
        *("tag", "--format=%(contents)", "--list", "digits@v1.1.0")
    )


@pytest.fixture
def collided(clones: tuple[Repository, Repository]) -> Repository:
    """Lee's clone, where the merge of Kim's 1.1.0 meets Lee's."""
    kim, lee = clones
    register(kim, 2, "--bump", "minor")
    register(lee, 3, "--bump", "minor")
    kim.git("push", "--quiet", "origin", "main")
    done = merge(lee)
    assert done.returncode == 1
    assert f"Merge conflict in {RECORD}" in done.stdout
    assert lee.git("diff", "--name-only", "--diff-filter=U") == RECORD
    return lee


def settle(clone: Repository, data: str) -> None:
    clone.write(RECORD, data)
    clone.git("add", RECORD)
    clone.git("commit", "--quiet", "--no-edit")


def test_markers_left_in_a_record_are_named(collided: Repository) -> None:
    settle(collided, (collided.path / RECORD).read_text())
    done = collided.mlver("verify", "--all")
    assert (done.code, done.err) == (1, "")
    assert (
        f"  record   {RECORD} holds both sides of a merge conflict that was never settled\n"
        in done.out
    )
    assert "hint: mlver resolve\n" in done.out
    shown = assert_refused(collided, "show", "digits@1.1.0")
    assert "it holds both sides of a merge that is not settled\nhint: mlver resolve\n" in shown


def test_the_other_side_taken_breaks_the_seal(collided: Repository) -> None:
    settle(collided, collided.git("show", f"FETCH_HEAD:{RECORD}") + "\n")
    done = collided.mlver("verify", "--all")
    assert done.code == 1
    assert "digits 1.1.0 was edited after its tag sealed it" in done.out
    assert "hint: git diff digits@v1.1.0 -- .mlver" in done.out


def test_both_sides_mixed_break_the_seal(collided: Repository) -> None:
    ours = collided.git("show", f"HEAD:{RECORD}") + "\n"
    settle(collided, ours.replace("Run 3", "Run 2"))
    done = collided.mlver("verify", "digits@1.1.0")
    assert done.code == 1
    assert "digits 1.1.0 was edited after its tag sealed it" in done.out


def test_ones_own_side_kept_is_whole(collided: Repository) -> None:
    settle(collided, collided.git("show", f"HEAD:{RECORD}") + "\n")
    assert assert_works(collided, "verify", "digits@1.1.0").startswith("All is well")


def test_a_number_another_clones_tag_claims_is_refused(
    clones: tuple[Repository, Repository],
) -> None:
    kim, lee = clones
    register(kim, 2, "--bump", "minor")
    kim.git("push", "--quiet", "origin", "main")
    assert_works(kim, "tag", "--push")
    lee.git("fetch", "--quiet", "--tags", "origin")
    train_model(lee, 3, commit=False)
    said = assert_refused(lee, "register", "digits", "--version", "1.1.0", "-m", "Run 3")
    assert "digits 1.1.0 is registered already, and a version never changes" in said
    assert "Registered digits 1.2.0  after 1.0.0" in assert_works(
        lee, "register", "digits", "--bump", "minor", "-m", "Run 3"
    )


def test_tags_that_collide_on_the_remote_are_refused(clones: tuple[Repository, Repository]) -> None:
    kim, lee = clones
    register(kim, 2, "--bump", "minor")
    register(lee, 3, "--bump", "minor")
    kim.git("push", "--quiet", "origin", "main")
    assert_works(kim, "tag", "--push")
    assert lee.git("ls-remote", "--tags", "origin", "digits@v1.1.0") != ""
    # the remote has a tag of this name: it is left alone
    done = lee.mlver("tag", "--push")
    assert done.code == 1
    assert "digits@v1.1.0 seals another record than origin's tag of this name" in done.out
    assert done.out.endswith("pushed 0 tags to origin\n")
    assert kim.git("ls-remote", "--tags", "origin").count("digits@v1.1.0^{}") == 1


def test_a_clone_without_the_objects_says_what_brings_them(
    first: Repository, tmp_path: Path
) -> None:
    first.git("clone", "--quiet", ".", "../clone")
    clone = Repository(tmp_path / "clone")
    assert "objects 0 of 3 here; copy them" in assert_works(clone, "verify")
    assert "hint: cp -Rn CLONE/.git/mlver/objects" in assert_works(clone, "status")
    said = assert_refused(clone, "checkout", "digits@1.0.0")
    assert "sha256:" in said
    assert not (clone.path / "model").exists()


def test_what_a_clone_lacks_can_be_carried_there(second: Repository, tmp_path: Path) -> None:
    second.git("clone", "--quiet", ".", "../clone")
    clone = Repository(tmp_path / "clone")
    for words in (("list",), ("show", "digits"), ("log",), ("diff", "digits@1.0.0", "@1.1.0")):
        assert assert_works(clone, *words) == assert_works(second, *words)
    for name in ("objects", "packs"):
        if (second.path / ".git/mlver" / name).is_dir():
            shutil.copytree(
                second.path / ".git/mlver" / name,
                clone.path / ".git/mlver" / name,
                dirs_exist_ok=True,
            )
    assert_works(clone, "checkout", "digits@1.1.0")
    assert clone.mlver("verify", "--all").code == 0
    assert (clone.path / "model/config.json").read_bytes() == (
        second.path / "model/config.json"
    ).read_bytes()


def test_missing_objects_are_named_briefly_on_a_screen_and_whole_in_json(
    first: Repository, tmp_path: Path
) -> None:
    first.git("clone", "--quiet", ".", "../bare-clone")
    clone = Repository(tmp_path / "bare-clone")
    said = assert_refused(clone, "checkout", "digits")
    assert "\n  sha256:" in said
    digest = json.loads(first.mlver("show", "digits", "--json").out)["record"]["data"]["train"]
    assert digest["digest"][: len("sha256:") + 12] in said
    refused = clone.mlver("checkout", "digits", "--json")
    assert digest["digest"] in json.loads(refused.out)["error"]["message"]
    assert not re.search("[0-9a-f]{64}", said)
    gate = clone.mlver("promote", "digits", "--to", "staging", "-m", "Try")
    assert gate.code == 1
    assert "sha256:" in gate.out
    assert not re.search("[0-9a-f]{64}", gate.out)
