"""Rules that changed around a promotion: which of it is one deed, and which is nobody's."""

from __future__ import annotations

import pytest

from mlver.policy.policy_digest import digest_policy
from mlver.project.history.policies import read_settings
from mlver.records import layout
from mlver.records.references import PolicyReference, VersionReference
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


# -- rules that became stricter while a promotion waited -------------------------------------------


def _tighten_on_branch(town: Town, *, day: int) -> None:
    """Ask more of staging on the branch `rules`."""
    town.enter("Bob", day=day)
    town.repository.git("switch", "--quiet", "-c", "rules", "main")
    town.edit_rule("  staging:\n", "  staging:\n    after: [production]\n")
    town.repository.git("switch", "--quiet", "main")


def _promote_on_branch(town: Town, *, day: int) -> None:
    town.enter("Ada", day=day)
    town.repository.git("switch", "--quiet", "-c", "side", "main")
    town.promote("1.1.0", "staging")
    town.repository.git("switch", "--quiet", "main")


def _land_rules(town: Town, *, day: int) -> None:
    town.enter("Bob", day=day)
    town.repository.git("merge", "--quiet", "--no-ff", "-m", "Stricter", "rules")


def _squash_side(town: Town, *, day: int) -> None:
    town.enter("Ada", day=day)
    town.repository.git("merge", "--quiet", "--squash", "side")
    town.repository.git("commit", "--quiet", "-m", "Promote")


def test_a_rule_that_waited_on_a_branch_makes_no_promotion_outdated(town: Town) -> None:
    _tighten_on_branch(town, day=1)
    _promote_on_branch(town, day=10)
    _land_rules(town, day=20)
    _squash_side(town, day=21)
    assert town.judge().findings == ()


def test_a_rule_that_was_as_strict_long_before_makes_no_promotion_outdated(town: Town) -> None:
    town.enter("Kim", day=1)
    town.edit_rule("  staging:\n", "  staging:\n    after: [production]\n")
    town.enter("Kim", day=2)
    town.edit_rule("    after: [production]\n", "")
    _promote_on_branch(town, day=40)
    _tighten_on_branch(town, day=50)
    _land_rules(town, day=51)
    _squash_side(town, day=60)
    assert town.judge().findings == ()


@pytest.mark.parametrize(
    ("tightened", "landed", "promoted"), [(1, 5, 10), (1, 50, 45)], ids=["landed", "waited"]
)
def test_a_promotion_by_a_rule_of_long_before_is_outdated(
    town: Town, tightened: int, landed: int, promoted: int
) -> None:
    _tighten_on_branch(town, day=tightened)
    _promote_on_branch(town, day=promoted)
    _land_rules(town, day=landed)
    _squash_side(town, day=60)
    ((_, message),) = town.name_findings()
    assert "was judged by an outdated rule" in message


def _forge_outdated(town: Town, *, day: int) -> tuple[str, bytes]:
    """Promote on main by a rule that asks less on the branch `old`; return a forgery after that.

    The forgery, a path with its bytes, names the rule of `old`.
    """
    weak = _begin_old_branch(town)
    town.enter("Ada", day=day)
    town.promote("1.1.0", "staging")
    town.promote("1.1.0", "production")
    (last, _) = town.project.registry.read_history("m", "production")[-1]
    policy = read_settings(town.project.repository, [weak])[weak].find_policy("production")
    assert policy is not None
    record = town.write_forgery(
        version="1.0.0",
        created=last.created.replace("03:04:05", "04:00:00"),
        baseline=VersionReference(last.version, last.record),
        gates=tuple(gate for gate in last.gates if not gate.gate.startswith("after")),
        policy=PolicyReference(commit=weak, digest=digest_policy(policy), signers=None),
    )
    path = town.repository.path / record.record_path
    data = path.read_bytes()
    path.unlink()
    town.enter("Mallory", day=day, second=7_200)
    return record.record_path, data


def test_a_rule_that_came_with_the_promotion_before_makes_the_next_outdated(town: Town) -> None:
    """The branch begins before the stricter rule, and main is merged into it."""
    git = town.repository.git
    path, data = _forge_outdated(town, day=45)
    git("switch", "--quiet", "old")
    git("merge", "--quiet", "--no-ff", "-m", "Merge main", "main")
    town.repository.write(path, data)
    town.repository.commit("Promote")
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "--ff-only", "old")
    ((_, message),) = town.name_findings()
    assert "was judged by an outdated rule" in message


def test_a_promotion_that_lands_without_the_one_that_it_follows_is_named(town: Town) -> None:
    git = town.repository.git
    path, data = _forge_outdated(town, day=45)
    git("switch", "--quiet", "old")
    town.repository.write(path, data)
    town.repository.commit("Promote")
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "-m", "Merge", "old")
    ((kind, message),) = town.name_findings()
    assert (kind, message) == ("chain", "was added where the promotion that it follows was not")
