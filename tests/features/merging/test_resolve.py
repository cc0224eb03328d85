"""Two branches claimed the same numbers: who gives way, and that all is whole afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.records import layout
from tests.conftest import CHECKOUT, Repository
from tests.features.merging.merges import (
    CHAIN,
    MOVED,
    add_remote,
    assert_verifies,
    list_promotions,
    resolve_merge,
    run_git,
    seal_on_topic,
)
from tests.project.helpers import register_one


@pytest.mark.parametrize(
    ("on", "other", "side"), [("main", "topic", "theirs"), ("topic", "main", "ours")]
)
def test_a_merge_rewrites_the_side_that_is_not_on_main(
    apart: Repository, on: str, other: str, side: str
) -> None:
    apart.git("switch", "--quiet", on)
    mains = apart.git("show", f"main:{layout.version_path('m', '1.1.0')}")
    assert run_git(apart, "merge", "--quiet", other) == 1
    dry = resolve_merge(apart, dry_run=True)
    result = resolve_merge(apart)
    assert (result.during, result.rewrite, result.left, result.dropped) == ("merge", side, (), ())
    assert [(record.old, record.new) for record in result.rewritten] == MOVED
    assert (dry.rewritten, dry.written) == (result.rewritten, result.written)
    assert apart.git("ls-files", "--unmerged") == apart.git("diff", "--name-only") == ""
    assert (apart.path / layout.version_path("m", "1.1.0")).read_text() == mains + "\n"
    assert resolve_merge(apart).written == ()
    apart.git("commit", "--quiet", "--no-edit")
    assert list_promotions(apart) == CHAIN
    record, _ = Project.open_existing(apart.path).registry.read_version("m", "1.2.1")
    assert record.previous == "1.2.0"
    assert_verifies(apart)
    if on == "topic":  # the pull request lands, with a merge commit or without
        apart.git("switch", "--quiet", "main")
        apart.git("merge", "--quiet", "--no-edit", "topic")
        assert_verifies(apart)


def test_a_squash_merge(apart: Repository) -> None:
    assert run_git(apart, "merge", "--quiet", "--squash", "topic") == 1
    assert resolve_merge(apart).during == "squash"
    apart.git("commit", "--quiet", "--no-edit")
    assert list_promotions(apart) == CHAIN
    assert_verifies(apart)


def test_a_rebase_step_by_step(apart: Repository) -> None:
    """What no conflict stops at, such as a parent that moved, is mended commit by commit
    afterwards.
    """
    apart.git("switch", "--quiet", "topic")
    assert run_git(apart, "rebase", "--quiet", "main") == 1
    steps = 0
    while (apart.path / ".git/rebase-merge").exists():
        assert resolve_merge(apart).during == "rebase"
        run_git(apart, "rebase", "--continue")
        steps += 1
        assert steps < 9
    left = resolve_merge(apart)
    assert [record.subject for record in left.left] == ["m 1.1.1"]
    (words,) = left.left[0].hints
    assert words.endswith(" main")
    start = apart.path.parent / "bin"
    start.mkdir()
    script = start / "mlver"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" -m mlver "$@"\n')
    script.chmod(0o755)
    subprocess.run(
        ["sh", "-c", f'PATH="{start}:$PATH"; {words}'],
        cwd=apart.path,
        check=True,
        capture_output=True,
    )
    assert list_promotions(apart) == CHAIN
    record, _ = Project.open_existing(apart.path).registry.read_version("m", "1.2.1")
    assert record.previous == "1.2.0"
    assert resolve_merge(apart).left == ()
    assert_verifies(apart)


def test_a_cherry_pick(apart: Repository) -> None:
    first = apart.git("rev-list", "--reverse", "main..topic").split("\n")[0]
    assert run_git(apart, "cherry-pick", first) == 1
    result = resolve_merge(apart)
    assert (result.during, [(record.old, record.new) for record in result.rewritten]) == (
        "cherry-pick",
        MOVED[:1],
    )
    assert run_git(apart, "cherry-pick", "--continue") == 0
    assert_verifies(apart)


def test_branches_that_claim_different_numbers_and_stages_merge_cleanly(apart: Repository) -> None:
    project = Project.open_existing(apart.path)
    apart.git("tag", "--delete", "m@production.2")
    for branch, number, stage in (
        ("a", "3.0.0", "staging"),
        ("b", "4.0.0", "production"),
        ("c", "5.0.0", None),
    ):
        apart.git("switch", "--quiet", "-c", branch, "start")
        (apart.path / "w").write_text(branch)
        register_one(project, version=number, message=branch)
        if stage:
            promote_version(project, f"m@{number}", to=stage, message=branch)
    apart.git("switch", "--quiet", "-c", "octopus", "start")
    apart.git("merge", "--quiet", "--no-edit", "a", "b", "c")
    assert apart.git("rev-list", "--parents", "-1", "HEAD").count(" ") == 3
    assert_verifies(apart)
    apart.git("switch", "--quiet", "-c", "rebased", "b")
    apart.git("rebase", "--quiet", "a")
    apart.git("cherry-pick", "c")
    assert_verifies(apart)


def test_a_pull_gives_way_to_what_has_landed_and_takes_its_own_seals_back(
    apart: Repository,
) -> None:
    """Both on `main`: the local commits are the first parents, so that line alone does not tell who
    was there first.
    """
    add_remote(apart)
    seal_on_topic(apart)
    apart.git("branch", "--force", "main", "topic")
    apart.git("switch", "--quiet", "main")
    assert run_git(apart, "merge", "--quiet", "origin/main") == 1
    result = resolve_merge(apart)
    assert (result.rewrite, result.why) == ("ours", "theirs has landed on origin/main")
    assert result.untagged == ("m@v1.1.0", "m@v1.1.1", "m@production.3")
    assert apart.git("tag", "--list", "m@v1.1.*") == ""
    apart.git("commit", "--quiet", "--no-edit")
    assert_verifies(apart)
    assert list_promotions(apart) == CHAIN


def test_a_seal_that_was_pushed_keeps_its_number(apart: Repository) -> None:
    add_remote(apart)
    sealed = seal_on_topic(apart)
    apart.git("push", "--quiet", "origin", "m@v1.1.0")
    # nothing has landed: the other side may give way
    apart.git("update-ref", "-d", "refs/remotes/origin/main")
    apart.git("symbolic-ref", "--delete", "refs/remotes/origin/HEAD")
    assert run_git(apart, "merge", "--quiet", "main") == 1
    before = apart.git("status", "--porcelain")
    with pytest.raises(
        MlverError,
        match=r"m@v1\.1\.0 is on origin: a record whose seal was pushed keeps its number",
    ) as caught:
        resolve_merge(apart)
    assert caught.value.hints == ("mlver resolve --rewrite theirs",)
    assert resolve_merge(apart, "theirs", dry_run=True).rewrite == "theirs"
    assert apart.git("status", "--porcelain") == before
    assert apart.git("rev-parse", "refs/tags/m@v1.1.0") == sealed


def seal_promotions_of_topic(apart: Repository) -> list[str]:
    """Seal what `topic` promoted, in place of the promotion of the same number on main."""
    apart.git("tag", "--delete", "m@production.2")
    names = []
    for number in (2, 3):
        path = layout.promotion_path("m", "production", number)
        record = apart.git("show", f"topic:{path}") + "\n"
        message = f"sealed\n\nMlver-Record: {Digest.of_bytes(record.encode())}"
        names.append(f"m@production.{number}")
        apart.git("tag", "--annotate", "--message", message, names[-1], "topic")
    return names


def test_seals_of_promotions_that_move_on_are_taken_back(apart: Repository) -> None:
    names = seal_promotions_of_topic(apart)
    add_remote(apart)
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    assert resolve_merge(apart).untagged == tuple(names)
    assert apart.git("tag", "--list", "m@production.*") == "m@production.1"


def test_a_seal_of_a_promotion_that_was_pushed_keeps_its_number(apart: Repository) -> None:
    names = seal_promotions_of_topic(apart)
    add_remote(apart)
    apart.git("push", "--quiet", "origin", names[0])
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    with pytest.raises(
        MlverError,
        match=r"m@production\.2 is on origin, and theirs has to give way all the same",
    ) as caught:
        resolve_merge(apart)
    take_back = "git push origin :refs/tags/m@production.2"
    assert caught.value.hints == (take_back, "mlver resolve --rewrite theirs")
    assert apart.git("tag", "--list", "m@production.*").split()[1:] == names


def test_a_remote_that_does_not_answer_proves_nothing(apart: Repository) -> None:
    add_remote(apart)
    seal_on_topic(apart)
    apart.git("remote", "set-url", "origin", str(apart.path / "gone"))
    assert run_git(apart, "merge", "--quiet", "main") == 1
    with pytest.raises(MlverError, match="ask origin for its tags"):
        resolve_merge(apart)


def test_what_has_landed_is_not_rewritten_whatever_is_asked(apart: Repository) -> None:
    add_remote(apart)
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    with pytest.raises(
        MlverError, match="has landed on origin/main, and what has landed keeps its number"
    ):
        resolve_merge(apart, "ours")


def test_without_a_main_branch_a_person_has_to_say(apart: Repository) -> None:
    apart.git("branch", "--move", "main", "trunk")
    assert run_git(apart, "merge", "--quiet", "topic") == 1
    with pytest.raises(MlverError, match="which side gives way") as caught:
        resolve_merge(apart)
    assert "--rewrite ours" in (caught.value.hint or "")
    assert resolve_merge(apart, "ours").rewrite == "ours"
    apart.git("commit", "--quiet", "--no-edit")
    assert list_promotions(apart) == [
        ("1.0.0", None),
        ("1.1.0", "1.0.0"),
        ("1.1.1", "1.1.0"),
        ("1.2.0", "1.1.1"),
    ]
    assert_verifies(apart)


def test_in_a_rebase_only_what_is_replayed_is_rewritten(apart: Repository) -> None:
    apart.git("switch", "--quiet", "topic")
    assert run_git(apart, "rebase", "--quiet", "main") == 1
    with pytest.raises(UsageError, match="only what comes on top"):
        resolve_merge(apart, "ours")
