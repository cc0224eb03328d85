"""Rules that changed around a promotion: which of it is one deed, and which is nobody's."""

from __future__ import annotations

import pytest

from mlver.records import layout
from tests.project.audit.forging import AFTER, Town


def _merge_settings(town: Town, other: str, holder: str) -> None:
    """Merge `other`, and take the settings as `holder` has them, whatever git would give."""
    git = town.repository.git
    git("merge", "--quiet", "--no-ff", "--no-commit", "--strategy=ours", other)
    git("checkout", holder, "--", layout.CONFIG)
    git("commit", "--quiet", "-m", "Merge")


def _begin_old_branch(town: Town) -> str:
    """Begin the branch `old` where production asks for less than main; return that commit."""
    git = town.repository.git
    town.enter("Ada", day=1)
    weak = town.weaken_rule()
    git("branch", "old")
    town.enter("Ada", day=20)
    town.restore_rule()
    town.enter("Mallory", day=39)
    git("switch", "--quiet", "old")
    town.repository.write("tool.txt", "useful")
    town.repository.commit("A tool")
    git("switch", "--quiet", "main")
    return weak


@pytest.mark.parametrize("first_parent", ["main", "old"])
def test_a_merge_that_takes_an_old_rule_against_a_stricter_one_weakens_it(
    town: Town, first_parent: str
) -> None:
    weak = _begin_old_branch(town)
    town.enter("Mallory", day=40)
    main = town.repository.git("rev-parse", "main")
    other = "old"
    if first_parent == "old":
        town.repository.git("switch", "--quiet", "old")
        other = "main"
    _merge_settings(town, other, weak)
    town.repository.git("update-ref", "refs/heads/main", "HEAD")
    town.promote("1.1.0", "production")
    town.enter("Ada", day=100)
    town.repository.git("checkout", main, "--", layout.CONFIG)
    town.repository.commit("Restore")
    ((kind, message),) = town.name_findings()
    assert kind == "policy"
    assert "was made under a rule that" in message


def test_a_merge_that_gives_a_rule_of_its_own_is_judged_against_each_parent(town: Town) -> None:
    weak = _begin_old_branch(town)
    town.enter("Mallory", day=40)
    main = town.repository.git("rev-parse", "main")
    town.repository.git("switch", "--quiet", "old")
    town.repository.git("merge", "--quiet", "--no-ff", "--no-commit", "--strategy=ours", "main")
    town.repository.git("checkout", weak, "--", layout.CONFIG)
    town.edit_rule("stages:\n", "stages:\n  canary: {}\n", "Merge")
    town.repository.git("update-ref", "refs/heads/main", "HEAD")
    town.promote("1.1.0", "production")
    town.enter("Ada", day=100)
    town.repository.git("checkout", main, "--", layout.CONFIG)
    town.repository.commit("Restore")
    ((_, message),) = town.name_findings()
    assert "was made under a rule that" in message


def test_a_merge_that_takes_what_its_other_side_relaxed_is_nobodys_step(town: Town) -> None:
    git = town.repository.git
    town.enter("Ada", day=1)
    git("switch", "--quiet", "-c", "side")
    town.weaken_rule()
    git("switch", "--quiet", "main")
    town.enter("Kim", day=30)
    town.repository.write("other.txt", "x")
    town.repository.commit("Other work")
    git("merge", "--quiet", "--no-ff", "side")
    town.promote("1.1.0", "production")
    town.enter("Ada", day=60)
    town.restore_rule()
    assert town.judge().findings == ()


def test_a_gate_dropped_for_good_and_another_added_is_not_restored(town: Town) -> None:
    town.enter("Ada", day=1)
    town.weaken_rule()
    town.enter("Ada", day=3)
    town.promote("1.1.0", "production")
    town.enter("Kim", day=100)
    town.edit_rule("  production:\n", "  production:\n    after: [canary]\n")
    assert town.judge().findings == ()
    town.enter("Kim", day=200)
    town.edit_rule("    after: [canary]\n", AFTER.replace("staging", "canary, staging"))
    ((_, message),) = town.name_findings()
    assert "was made under a rule that" in message
