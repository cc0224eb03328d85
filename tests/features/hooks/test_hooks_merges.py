"""Merges in which both sides claimed a number: what `resolve` makes of them passes the hooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.features.hooks.hooks import HookedRepository

pytestmark = pytest.mark.usefixtures("warm")


def both_claim(here: HookedRepository) -> str:
    """main and topic hold different records of one version; topic is checked out."""
    here.git("switch", "--quiet", "-c", "topic")
    path = here.add_unsealed("2.0.0", "Theirs")
    here.commit("Theirs")
    here.git("switch", "--quiet", "main")
    here.add_unsealed("2.0.0", "Ours")
    here.commit("Ours")
    here.git("switch", "--quiet", "topic")
    return path


def test_neither_side_of_a_merge_may_replace_the_others_record(here: HookedRepository) -> None:
    path = both_claim(here)
    for side in ("--theirs", "--ours"):  # what main has, and what topic has
        assert here.attempt_git("merge", "main").code != 0
        here.git("checkout", side, path)
        here.git("add", path)
        refused = here.assert_refuses("commit", "--no-edit")
        assert f"{path} was replaced by the other side's in a merge" in refused
        assert "hint: mlver resolve\n" in refused
        here.git("merge", "--abort")
    assert here.attempt_git("merge", "main").code != 0
    here.write(path, (here.path / path).read_text().replace("Theirs", "Neither"))
    here.git("add", path)
    assert f"{path} was changed" in here.assert_refuses("commit", "--no-edit")
    here.git("merge", "--abort")
    here.git("switch", "--quiet", "main")
    assert here.attempt_git("merge", "topic").code != 0
    here.git("checkout", "--theirs", path)
    here.git("add", path)
    assert f"{path} was replaced" in here.assert_refuses("commit", "--no-edit")
    assert here.mlver("resolve").code == 0
    here.assert_passes("commit", "--no-edit")


def test_what_landed_is_not_renumbered_by_a_merge(here: HookedRepository) -> None:
    """The settlement is whole, and yet main's own record may not be the one that moves."""
    path = both_claim(here)
    assert here.attempt_git("merge", "main").code != 0
    assert here.mlver("resolve", "--rewrite", "theirs").code == 0
    refused = here.assert_refuses("commit", "--no-edit")
    assert f"{path} was replaced by the other side's in a merge" in refused


def test_a_range_with_a_merge_that_replaces_a_record_is_refused(here: HookedRepository) -> None:
    """Whichever side the branch took: the other one's record would be lost for good."""
    path = both_claim(here)
    here.git("branch", "start", "main~1")
    assert here.attempt_git("merge", "main").code != 0
    here.git("checkout", "--theirs", path)
    here.git("add", path)
    here.git("commit", "--quiet", "--no-verify", "--no-edit")
    for base in ("start", "main"):
        checked = here.mlver("hook", "check", "--from", base, "--to", "topic")
        assert checked.code == 1
        assert f"{path} was replaced in commit" in checked.out


def test_a_merge_without_conflict_is_judged_before_it_is_made(here: HookedRepository) -> None:
    here.git("switch", "--quiet", "-c", "topic")
    path = here.add_unsealed("2.0.0")
    here.write("model/let-in.bin", b"\0" * 100_000)
    here.git("add", "--force", ".mlver", "model/let-in.bin")
    here.git(
        "commit",
        "--quiet",
        "--no-verify",
        "-m",
        "Side: what was let in there is not asked about again",
    )
    here.git("switch", "--quiet", "main")
    here.git("commit", "--quiet", "--no-verify", "--allow-empty", "-m", "Main")
    assert f"{path} was deleted" in here.assert_refuses("merge", "--no-edit", "-s", "ours", "topic")
    here.git("reset", "--merge", "--quiet")
    here.assert_passes("merge", "--no-edit", "topic")
    assert here.mlver("verify", "--all").code == 1  # 2.0.0 is not sealed yet
    assert here.mlver("tag").code == 0


def test_what_resolve_renumbered_passes_at_the_commit_and_on_its_way(
    here: HookedRepository,
) -> None:
    """The branch's promotions make way for main's and move on by one, each to the place of the
    next.
    """
    here.git("switch", "--quiet", "-c", "topic")
    for version in ("1.1.0", "1.0.0"):
        assert (
            here.mlver("promote", f"digits@{version}", "--to", "production", "-m", "Topic").code
            == 0
        )
    here.git("switch", "--quiet", "main")
    # as in another clone, which never heard of the branch
    here.git("tag", "--delete", "digits@production.2", "digits@production.3")
    assert here.mlver("promote", "digits@1.0.0", "--to", "staging", "-m", "Main").code == 0
    assert (
        here.mlver("promote", "digits@1.1.0", "--to", "production", "-m", "Main", "--force").code
        == 0
    )
    here.git("switch", "--quiet", "topic")
    assert here.attempt_git("merge", "main").code != 0
    done = here.mlver("resolve")
    assert done.code == 0, done.err
    here.assert_passes("commit", "--no-edit")
    assert here.mlver("hook", "check", "--from", "main", "--to", "topic").out.startswith(
        "All is well"
    )


def test_a_main_branch_gives_way_to_its_remotes(here: HookedRepository, tmp_path: Path) -> None:
    """Somebody else's record of the number was pushed first; what `resolve` makes of that passes,
    and nothing less.
    """
    here.git("init", "--quiet", "--bare", str(tmp_path / "remote.git"))
    here.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    here.git("switch", "--quiet", "-c", "colleague")
    path = here.add_unsealed("1.2.0", "Theirs")
    here.commit("Theirs")
    here.git("push", "--quiet", "--no-verify", "origin", "colleague:main")
    here.git("switch", "--quiet", "main")
    here.git("branch", "-D", "--quiet", "colleague")
    here.add_unsealed("1.2.0", "Ours")
    here.commit("Ours")
    assert here.attempt_git("merge", "origin/main").code != 0
    here.git("checkout", "--ours", path)
    here.git("add", path)
    assert f"{path} was replaced by the other side's in a merge" in here.assert_refuses(
        "commit", "--no-edit"
    )
    here.git("checkout", "--merge", path)
    assert here.mlver("resolve").out.startswith(
        "Rewrote ours in this merge (theirs has landed on origin/main)"
    )
    here.assert_passes("commit", "--no-edit")
    here.assert_passes("push", "origin", "main")
