"""Histories in which nobody forged anything: none of them is an alarm."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlver.digest import Digest
from mlver.project.history import renumbered
from mlver.project.project import Project
from mlver.project.stages.promote import promote_version
from mlver.records import layout
from mlver.records.references import Renumbering
from tests.conftest import Repository
from tests.features.merging.merges import (
    CHAIN,
    judge_version,
    list_promotions,
    register_next_version,
    resolve_merge,
    run_git,
)
from tests.project.helpers import register_one
from tests.promotions import write_promotion

KIM = "Kim <kim@example.org>"


def assert_honest(ground: Repository, unconfirmed: int = 0) -> None:
    report = renumbered.examine_history(Project.open_existing(ground.path))
    assert report.tampering == ()
    assert len(report.unconfirmed) == unconfirmed


def list_broken(ground: Repository) -> list[str]:
    document = json.loads(ground.mlver("verify", "--all", "--json").out)
    return [
        f"{finding['subject']} {finding['message']}"
        for finding in document["broken"]
        if finding["kind"] != "unsealed"
    ]


def merge_resolved(ground: Repository, branch: str, *words: str) -> None:
    """Merge a branch as `mlver resolve` settles it."""
    assert run_git(ground, "merge", "--quiet", *words, branch) == 1
    assert resolve_merge(ground).left == ()
    ground.git("commit", "--quiet", "--no-edit")


def continue_resolved(ground: Repository, what: str, folder: str) -> None:
    """Settle each step of a rebase or a cherry-pick."""
    for _ in range(9):
        if not (ground.path / ".git" / folder).exists():
            return
        resolve_merge(ground)
        run_git(ground, what, "--continue")
    raise AssertionError(what)


def merge_topic(ground: Repository) -> None:
    merge_resolved(ground, "topic")


def land_topic(ground: Repository) -> None:
    """The branch merges main first, and main is moved to that merge."""
    ground.git("switch", "--quiet", "topic")
    merge_resolved(ground, "main")
    ground.git("switch", "--quiet", "main")
    ground.git("merge", "--quiet", "--ff-only", "topic")


def merge_updated_topic(ground: Repository) -> None:
    ground.git("switch", "--quiet", "topic")
    merge_resolved(ground, "main")
    ground.git("switch", "--quiet", "main")
    ground.git("merge", "--quiet", "--no-ff", "--no-edit", "topic")


def merge_twice(ground: Repository) -> None:
    """The branch goes on from what it was, without what became of it."""
    merge_resolved(ground, "topic")
    ground.git("switch", "--quiet", "topic")
    ground.write("code.py", "more\n")
    ground.commit("More")
    ground.git("switch", "--quiet", "main")
    ground.git("merge", "--quiet", "--no-edit", "topic")


def renumber_twice(ground: Repository) -> None:
    """While the branch waits, main claims the number that it got."""
    ground.git("switch", "--quiet", "topic")
    merge_resolved(ground, "main")
    ground.git("switch", "--quiet", "main")
    register_next_version(Project.open_existing(ground.path), "main again")
    merge_resolved(ground, "topic")


def cross_branches(ground: Repository) -> None:
    """Each branch merges the other one, they settle it alike, and both results are merged."""
    ground.git("branch", "mine", "topic")
    merge_resolved(ground, "topic")
    ground.git("switch", "--quiet", "mine")
    assert run_git(ground, "merge", "--quiet", "main~1") == 1
    assert resolve_merge(ground, "ours").left == ()
    ground.git("commit", "--quiet", "--no-edit")
    ground.git("switch", "--quiet", "main")
    ground.write("code.py", "main goes on\n")
    ground.commit("Main")
    ground.git("merge", "--quiet", "--no-edit", "mine")
    assert len(ground.git("merge-base", "--all", "main^1", "main^2").split()) == 2


def merge_in_a_loop(ground: Repository) -> None:
    """A long-lived branch merges main again and again, and lands at last."""
    project = Project.open_existing(ground.path)
    ground.git("switch", "--quiet", "topic")
    merge_resolved(ground, "main")
    for number in range(3):
        ground.git("switch", "--quiet", "main")
        register_next_version(project, f"main {number}", "major", "staging")
        ground.git("switch", "--quiet", "topic")
        ground.git("merge", "--quiet", "--no-edit", "main")
    ground.git("switch", "--quiet", "main")
    ground.git("merge", "--quiet", "--no-ff", "--no-edit", "topic")


def revert_other_work(ground: Repository) -> None:
    ground.write("code.py", "wrong\n")
    ground.commit("Wrong")
    ground.git("revert", "--no-edit", "HEAD")
    merge_resolved(ground, "topic")


def promote_on_both_sides(ground: Repository) -> None:
    """Both move one stage to one version: each keeps its words."""
    project = Project.open_existing(ground.path)
    for branch in ("mine", "yours"):
        ground.git("switch", "--quiet", "-c", branch, "start")
        promote_version(project, "m@1.0.0", to="staging", message=f"{branch} try")
        ground.git("tag", "--delete", "m@staging.1")
    assert run_git(ground, "merge", "--quiet", "mine") == 1
    assert resolve_merge(ground, "ours").left == ()
    ground.git("commit", "--quiet", "--no-edit")


def judge_on_both_sides(ground: Repository) -> None:
    for branch in ("mine", "yours"):
        ground.git("switch", "--quiet", "-c", branch, "start")
        judge_version(ground, "1.0.0", f"{branch} <{branch}@example.org>")
    assert run_git(ground, "merge", "--quiet", "mine") == 1
    resolve_merge(ground, "ours")
    ground.git("commit", "--quiet", "--no-edit")


def carry_judgements(ground: Repository) -> None:
    ground.git("switch", "--quiet", "topic")
    judge_version(ground, "1.1.1", KIM)
    ground.git("switch", "--quiet", "main")
    merge_resolved(ground, "topic")


def merge_release_branch(ground: Repository) -> None:
    """Fixes of an old line come back to main."""
    project = Project.open_existing(ground.path)
    ground.git("switch", "--quiet", "-c", "release", "start")
    for number in ("1.0.1", "1.0.2"):
        (ground.path / "w").write_text(number)
        register_one(project, version=number, message=number, allow_lower=True)
        ground.git("switch", "--quiet", "main")
        ground.git("merge", "--quiet", "--no-edit", "release")
        ground.git("switch", "--quiet", "release")
    ground.git("switch", "--quiet", "main")


def merge_octopus(ground: Repository) -> None:
    project = Project.open_existing(ground.path)
    for branch in ("a", "b", "c"):
        ground.git("switch", "--quiet", "-c", branch, "start")
        (ground.path / "w").write_text(branch)
        register_one(project, model=branch, message=branch)
    ground.git("switch", "--quiet", "main")
    ground.git("merge", "--quiet", "--no-edit", "a", "b", "c")


def pick_the_same_twice(ground: Repository) -> None:
    """The same record comes by a cherry-pick and with its branch."""
    project = Project.open_existing(ground.path)
    ground.git("switch", "--quiet", "-c", "side", "start")
    (ground.path / "w").write_text("side")
    register_one(project, version="3.0.0", message="side")
    ground.git("switch", "--quiet", "main")
    ground.git("cherry-pick", "side")
    ground.git("merge", "--quiet", "--no-ff", "--no-edit", "side")


def merge_after_picking(ground: Repository) -> None:
    """A record that was picked, and renumbered then, comes again with its branch."""
    first = ground.git("rev-list", "--reverse", "main..topic").split("\n")[0]
    assert run_git(ground, "cherry-pick", first) == 1
    resolve_merge(ground)
    assert run_git(ground, "cherry-pick", "--continue") == 0
    merge_resolved(ground, "topic")


HISTORIES: tuple[Callable[[Repository], None], ...] = (
    merge_topic,
    land_topic,
    merge_updated_topic,
    merge_twice,
    renumber_twice,
    cross_branches,
    merge_in_a_loop,
    revert_other_work,
    promote_on_both_sides,
    judge_on_both_sides,
    carry_judgements,
    merge_release_branch,
    merge_octopus,
    pick_the_same_twice,
    merge_after_picking,
)


@pytest.mark.parametrize("make_history", HISTORIES, ids=lambda made: made.__name__)
def test_an_honest_history_is_no_alarm(
    apart: Repository, make_history: Callable[[Repository], None]
) -> None:
    make_history(apart)
    assert_honest(apart)


def test_both_promotions_to_one_version_are_kept(apart: Repository) -> None:
    promote_on_both_sides(apart)
    assert list_promotions(apart, "staging") == [("1.0.0", None), ("1.0.0", "1.0.0")]


def test_what_a_squash_renumbered_is_no_damage_and_unconfirmed(apart: Repository) -> None:
    """The records say which numbers they had, and nothing is left that shows it."""
    merge_resolved(apart, "topic", "--squash")
    assert_honest(apart, unconfirmed=4)
    assert list_broken(apart) == []
    assert list_promotions(apart) == CHAIN


def set_clock(monkeypatch: pytest.MonkeyPatch, epoch: str) -> None:
    """Date records and commits alike."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"{epoch} +0000")


@pytest.mark.parametrize(("words", "dated"), [(("--squash",), "05"), ((), "01")])
def test_only_what_no_merge_shows_is_dated_as_what_it_follows(
    apart: Repository, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], dated: str
) -> None:
    """Nobody could tell it from a promotion that was dated before the one it follows."""
    project = Project.open_existing(apart.path)
    for branch, epoch in (("mine", "1772323201"), ("main", "1772323205")):
        if branch == "mine":
            apart.git("switch", "--quiet", "-c", branch, "start")
        else:
            apart.git("switch", "--quiet", branch)
        set_clock(monkeypatch, epoch)
        promote_version(project, "m@1.0.0", to="staging", message=branch)
        apart.git("tag", "--delete", "m@staging.1")
    assert run_git(apart, "merge", "--quiet", *words, "mine") == 1
    assert resolve_merge(apart).left == ()
    apart.git("commit", "--quiet", "--no-edit")
    moved, _ = project.registry.read_promotion("m", "staging", 2)
    assert (moved.message, moved.created) == ("mine", f"2026-03-01T00:00:{dated}Z")
    assert_honest(apart, unconfirmed=len(words))


def test_promotions_without_policies_are_renumbered_and_still_not_judged(
    apart: Repository,
) -> None:
    for branch in ("mine", "main"):
        if branch == "mine":
            apart.git("switch", "--quiet", "-c", branch, "start")
        else:
            apart.git("switch", "--quiet", branch)
        for _ in range(2):
            write_promotion(apart, "1.0.0", stage="staging", model="m", message=branch, early=True)
    apart.git("tag", "base")
    merge_resolved(apart, "mine")
    chain = Project.open_existing(apart.path).registry.read_history("m", "staging")
    assert [record.format for record, _ in chain] == [1, 1, 2, 2]
    assert list_broken(apart) == []
    # A hook lets no more of them in than were there.
    checked = apart.mlver("hook", "check", "--from", "base", "--to", "HEAD")
    assert checked.out.count("is of the format before seals") == 2
    # Behind one that was judged, nobody gets away without a policy.
    write_promotion(apart, "1.0.0", stage="staging", model="m", format=2)
    former = Renumbering(number=9, record=Digest("ab" * 32))
    write_promotion(apart, "1.0.0", stage="staging", model="m", format=2, renumbered=former)
    verified = apart.mlver("verify", "--all")
    assert verified.out.count("does not say which policy judged it") == 2


def test_promotions_of_an_older_branch_are_renumbered_behind_judged_ones(
    apart: Repository,
) -> None:
    """Neither a promotion nor a rollback of format 1 says what today's would have to."""
    apart.git("switch", "--quiet", "-c", "mine", "start")
    write_promotion(apart, "1.0.0", stage="staging", model="m", early=True)
    back: dict[str, Any] = {"stage": "staging", "model": "m", "action": "rollback", "early": True}
    write_promotion(apart, "1.0.0", **back)
    apart.git("switch", "--quiet", "main")
    promote_version(Project.open_existing(apart.path), "m@1.0.0", to="staging", message="main")
    merge_resolved(apart, "mine")
    chain = Project.open_existing(apart.path).registry.read_history("m", "staging")
    assert [record.action for record, _ in chain] == ["promote", "promote", "rollback"]
    assert [record.renumbered is not None for record, _ in chain] == [False, True, True]
    assert list_broken(apart) == []


def test_promotions_of_format_1_that_landed_too_late_are_not_believed_under_a_new_number(
    apart: Repository,
) -> None:
    apart.git("switch", "--quiet", "-c", "mine", "start")
    path = write_promotion(apart, "1.0.0", stage="staging", model="m")
    apart.git("switch", "--quiet", "main")
    promote_version(Project.open_existing(apart.path), "m@1.0.0", to="staging", message="main")
    merge_resolved(apart, "mine")
    (broken,) = list_broken(apart)
    moved_path = path.replace("0001", "0002")
    assert broken.startswith(f"{moved_path} is of the format before seals, and landed after")


def test_a_replayed_promotion_comes_again_with_its_branch(
    apart: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project.open_existing(apart.path)
    apart.git("switch", "--quiet", "-c", "mine", "start")
    set_clock(monkeypatch, "1772323201")
    promote_version(project, "m@1.0.0", to="staging", message="mine")
    apart.git("tag", "--delete", "m@staging.1")
    apart.git("switch", "--quiet", "main")
    set_clock(monkeypatch, "1772323205")
    promote_version(project, "m@1.0.0", to="staging", message="main")
    assert run_git(apart, "cherry-pick", "mine") == 1
    resolve_merge(apart)
    assert run_git(apart, "cherry-pick", "--continue") == 0
    merge_resolved(apart, "mine")
    assert list_promotions(apart, "staging") == [("1.0.0", None), ("1.0.0", "1.0.0")]
    assert_honest(apart)


def test_what_a_rebase_renumbered_is_unconfirmed_too(apart: Repository) -> None:
    apart.git("switch", "--quiet", "topic")
    assert run_git(apart, "rebase", "--quiet", "main") == 1
    continue_resolved(apart, "rebase", "rebase-merge")
    # 1.1.1 kept its number.
    assert_honest(apart, unconfirmed=3)


def test_a_shallow_clone_of_a_resolved_merge_is_no_alarm(apart: Repository, tmp_path: Path) -> None:
    merge_topic(apart)
    cloned = Repository(tmp_path / "clone")
    source = f"file://{apart.path}"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth", "1", source, str(cloned.path)], check=True
    )
    assert_honest(cloned, unconfirmed=4)
    shown = cloned.mlver("verify", "--all").out
    assert "which this shallow clone cannot show" in shown


def test_a_branch_amends_its_own_commit_before_it_lands(apart: Repository) -> None:
    path = layout.version_path("m", "4.0.0")
    project = Project.open_existing(apart.path)
    apart.git("switch", "--quiet", "-c", "side", "start")
    (apart.path / "w").write_text("side")
    register_one(project, version="4.0.0", message="side")
    text = (apart.path / path).read_text()
    apart.write(path, text.replace("message: side", "message: better"))
    apart.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    apart.git("switch", "--quiet", "main")
    apart.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    assert_honest(apart)
