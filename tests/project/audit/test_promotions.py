"""Promotions judged again: each forgery is named, and no honest history is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.project.stages.rollback import roll_back_stage
from mlver.records import layout
from mlver.records.promotion import GateResult
from tests.conftest import NOW, Repository
from tests.project.audit.forging import SECOND, Town

LATER = "2026-01-03T03:04:05Z"  # a day after NOW


# -- forgeries -------------------------------------------------------------------------------------


def _invent_gates(town: Town) -> None:
    town.write_forgery(version="1.1.0", created=LATER)


def _drop_gates(town: Town) -> None:
    town.write_forgery(created=LATER, gates=())


def _fail_gate(town: Town) -> None:
    (last, _) = town.project.registry.read_history("m", "production")[-1]
    failed = [replace(gate, result="fail") for gate in last.gates]
    town.write_forgery(created=LATER, gates=tuple(failed))


def _drop_policy(town: Town) -> None:
    town.write_forgery(created=LATER, policy=None)


def _claim_policy(town: Town, **claims: object) -> None:
    (last, _) = town.project.registry.read_history("m", "production")[-1]
    assert last.policy is not None
    policy = replace(last.policy, **claims)  # type: ignore[arg-type]
    town.write_forgery(created=LATER, policy=policy)


def _roll_back_to_stranger(town: Town) -> None:
    proven = GateResult(gate="verified bytes", result="pass", expected="x", actual="y")
    town.write_forgery(
        version="1.1.0", action="rollback", created=LATER, gates=(proven,), policy=None
    )


FORGERIES: dict[str, tuple[Callable[[Town], object], str, str]] = {
    "a gate that never ran": (_invent_gates, "gate", "says that 1.1.0 had held staging"),
    "no gates": (_drop_gates, "gate", "lacks the gate `after staging`"),
    "a gate that did not pass": (_fail_gate, "gate", "`sealed` did not pass, and was not forced"),
    "no policy": (_drop_policy, "policy", "does not say which policy judged it"),
    "another policy": (
        lambda town: _claim_policy(town, digest=Digest("ab" * 32)),
        "policy",
        "names another policy than the one that",
    ),
    "other signers": (
        lambda town: _claim_policy(town, signers=Digest("ab" * 32)),
        "policy",
        "names other signers",
    ),
    "a commit that is nowhere": (
        lambda town: _claim_policy(town, commit="ab" * 20, digest=Digest("ab" * 32)),
        "policy",
        "is not part of the history",
    ),
    "no commit": (
        lambda town: _claim_policy(town, commit=None, digest=Digest("ab" * 32)),
        "policy",
        "names no commit whose policy judged it",
    ),
    "a commit without settings": (
        lambda town: _claim_policy(
            town, commit=town.repository.git("rev-list", "--max-parents=0", "HEAD")
        ),
        "policy",
        "has no rule for it",
    ),
    "a date before the promotion that it follows": (
        lambda town: town.write_forgery(created="2026-01-02T03:04:04Z"),
        "date",
        "before the promotion that it follows",
    ),
    "a date after the commit": (
        lambda town: town.write_forgery(created="2026-01-05T00:00:00Z"),
        "date",
        "later than the commit that added it",
    ),
    "a rollback to what never held the stage": (
        _roll_back_to_stranger,
        "gate",
        "rolls back to 1.1.0, which the stage never held",
    ),
}


@pytest.mark.parametrize(("forge", "kind", "words"), FORGERIES.values(), ids=FORGERIES)
def test_a_promotion_written_by_hand_is_named(
    town: Town, forge: Callable[[Town], object], kind: str, words: str
) -> None:
    town.enter("Kim", day=1)
    forge(town)
    town.repository.commit("docs")
    report = town.judge()
    named = [finding for finding in report.findings if finding.kind == kind]
    assert any(words in finding.message for finding in named), report.findings
    assert {finding.subject for finding in report.findings} == {SECOND}
    assert report.unconfirmed == ()


def test_a_date_before_the_version_is_named(town: Town) -> None:
    town.enter("Kim", day=1)
    (last, _) = town.project.registry.read_history("m", "production")[-1]
    assert last.created == NOW
    first = layout.promotion_path("m", "production", 1)
    forged = town.write_forgery(created=LATER)
    text = (town.repository.path / forged.record_path).read_text()
    early = text.replace(LATER, "2025-01-01T00:00:00Z")
    (town.repository.path / first).unlink()
    town.repository.write(first, early.replace("sequence: 2", "sequence: 1"))
    (town.repository.path / forged.record_path).unlink()
    town.repository.commit("docs")
    assert any("before its version was registered" in words for _, words in town.name_findings())


def test_a_claimed_author_is_unconfirmed_and_no_damage(town: Town) -> None:
    town.enter("Mallory", day=1)
    town.write_forgery(created=LATER, author="Alice <alice@example.org>")
    town.repository.commit("docs")
    report = town.judge()
    assert report.findings == ()
    (note,) = report.unconfirmed
    assert (note.kind, note.subject) == ("unconfirmed", SECOND)
    assert "names Alice <alice@example.org> as its author" in note.message


def test_verify_names_forgeries_and_strictly_what_is_unconfirmed(town: Town) -> None:
    town.enter("Mallory", day=1)
    town.write_forgery(created=LATER, author="Alice <alice@example.org>")
    town.repository.commit("docs")
    plain = town.repository.mlver("verify", "--all")
    assert "names Alice <alice@example.org> as its author" in plain.out
    strict = town.repository.mlver("verify", "--all", "--strict")
    assert strict.code == 1
    town.enter("Mallory", day=2)
    town.write_forgery(created="2026-01-03T03:04:04Z")
    town.repository.commit("more docs")
    forged = town.repository.mlver("verify", "--all")
    assert forged.code == 1
    assert "before the promotion that it follows" in " ".join(forged.out.split())


# -- rules that were changed for a promotion -------------------------------------------------------


ONE_DEED = {
    "all three steps": ("Mallory", 1, "Mallory", 2, "Mallory", 3),
    "weakened and promoted": ("Mallory", 1, "Mallory", 8, "Ada", 100),
    "promoted and restored": ("Ada", 1, "Mallory", 100, "Mallory", 107),
    "weakened and restored": ("Mallory", 1, "Bob", 4, "Mallory", 8),
}
OTHERS = {
    "relaxed for a quarter": ("Kim", 1, "Kim", 40, "Kim", 91),
    "restored by others": ("Ada", 1, "Bob", 2, "Eve", 3),
    "promoted later": ("Kim", 1, "Kim", 9, "Ada", 10),
}


@pytest.mark.parametrize("steps", ONE_DEED.values(), ids=ONE_DEED)
def test_a_rule_weakened_for_a_promotion_and_restored_is_named(
    town: Town, steps: tuple[str, int, str, int, str, int]
) -> None:
    _take_steps(town, steps)
    ((kind, message),) = town.name_findings()
    assert kind == "policy"
    assert "was made under a rule that" in message
    assert "`after` is no longer" in message or "`after` no longer names staging" in message


@pytest.mark.parametrize("steps", OTHERS.values(), ids=OTHERS)
def test_a_rule_that_others_change_or_later_is_no_damage(
    town: Town, steps: tuple[str, int, str, int, str, int]
) -> None:
    _take_steps(town, steps)
    assert town.judge().findings == ()


def _take_steps(town: Town, steps: tuple[str, int, str, int, str, int]) -> None:
    weakening, first, promoting, second, restoring, third = steps
    town.enter(weakening, day=first)
    town.weaken_rule()
    town.enter(promoting, day=second)
    town.promote("1.1.0", "production")
    town.enter(restoring, day=third)
    town.restore_rule()


def test_a_rule_weakened_on_a_branch_and_left_by_the_merge_is_named(town: Town) -> None:
    git = town.repository.git
    town.enter("Mallory", day=1)
    git("switch", "--quiet", "-c", "side")
    weak = town.weaken_rule()
    git("branch", "--quiet", "-f", "main", weak)
    town.promote("1.1.0", "production")
    git("branch", "--quiet", "-f", "main", f"{weak}~1")
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    git("checkout", f"{weak}~1", "--", layout.CONFIG)
    git("commit", "--quiet", "-m", "Merge")
    assert [kind for kind, _ in town.name_findings()] == ["policy"]


def test_an_outdated_rule_is_named(town: Town) -> None:
    town.enter("Ada", day=1)
    old = town.weaken_rule()
    town.enter("Ada", day=20)
    town.restore_rule()
    town.enter("Mallory", day=40)
    town.repository.git("branch", "kept")
    town.repository.git("reset", "--quiet", "--hard", old)
    town.promote("1.1.0", "production")
    promoted = town.repository.git("rev-parse", "HEAD")
    town.repository.git("reset", "--quiet", "--hard", "kept")
    town.repository.git("cherry-pick", promoted)
    ((kind, message),) = town.name_findings()
    assert kind == "policy"
    assert "was judged by an outdated rule" in message


# -- honest histories ------------------------------------------------------------------------------


def test_what_the_commands_do_is_not_named(town: Town) -> None:
    town.enter("Ada", day=1)
    town.promote("1.1.0", "staging")
    town.promote("1.1.0", "production")
    roll_back_stage(town.project, "m", stage="production", message="slow")
    town.enter("Bob", day=2)
    town.repository.write(layout.ALLOWED_SIGNERS, "ada ssh-ed25519 AAAA\n")
    town.repository.commit("Add signers")
    town.promote("1.1.0", "production")
    report = town.judge()
    assert (report.findings, report.unconfirmed) == ((), ())


def test_a_promotion_by_force_is_not_named(town: Town) -> None:
    town.enter("Ada", day=1)
    town.promote("1.1.0", "production", force=True)
    assert town.judge().findings == ()


def test_a_clock_that_is_behind_is_not_named(town: Town) -> None:
    town.enter("Ada", day=1)
    town.promote("1.1.0", "staging")
    town.promote("1.1.0", "production")
    town.enter("Bob", day=1, second=-600)
    town.promote("1.0.0", "production")
    town.enter("Bob", day=-3)
    roll_back_stage(town.project, "m", stage="production", message="slow")
    history = town.project.registry.read_history("m", "production")
    assert [record.created[-9:] for record, _ in history[1:]] == [
        "03:04:05Z",
        "03:04:06Z",
        "03:04:07Z",
    ]
    report = town.judge()
    assert (report.findings, report.unconfirmed) == ((), ())


def test_a_squash_by_a_colleague_is_unconfirmed_alone(town: Town) -> None:
    git = town.repository.git
    town.enter("Ada", day=1)
    git("switch", "--quiet", "-c", "side")
    town.promote("1.1.0", "staging")
    git("switch", "--quiet", "main")
    town.enter("Bob", day=2)
    git("merge", "--quiet", "--squash", "side")
    git("commit", "--quiet", "-m", "Promote")
    git("branch", "--quiet", "-D", "side")
    # The tagger of a seal would confirm the author, too.
    for tag in git("tag", "--list", "m@staging.*").split():
        git("tag", "--delete", tag)
    report = town.judge()
    assert report.findings == ()
    assert [note.kind for note in report.unconfirmed] == ["unconfirmed"]
    git("commit", "--quiet", "--amend", "-m", "x\n\nCo-authored-by: Ada <ADA@example.org>")
    assert town.judge().unconfirmed == ()


def test_a_rebase_onto_a_stricter_rule_is_not_named_where_it_is_younger(town: Town) -> None:
    git = town.repository.git
    git("switch", "--quiet", "-c", "side")
    town.enter("Ada", day=1)
    town.promote("1.1.0", "staging")
    git("switch", "--quiet", "main")
    town.enter("Bob", day=2)
    town.edit_rule("  staging:\n", "  staging:\n    after: [production]\n")
    git("switch", "--quiet", "side")
    town.enter("Ada", day=3)
    git("rebase", "--quiet", "main")
    assert town.judge().findings == ()


def test_a_rebase_that_takes_the_commit_of_the_policy_away_is_not_named(town: Town) -> None:
    git = town.repository.git
    start = git("rev-parse", "HEAD")
    town.enter("Ada", day=1)
    town.edit_rule("  staging:\n", "  staging:\n    after: [production]\n")
    town.promote("1.1.0", "production", force=True)
    town.enter("Bob", day=2)
    git("switch", "--quiet", "-c", "other", start)
    town.repository.write("other.txt", "x")
    town.repository.commit("Other work")
    git("switch", "--quiet", "main")
    git("rebase", "--quiet", "other")
    git("reflog", "expire", "--expire=now", "--all")
    assert town.judge().findings == ()


def test_a_new_stage_is_judged_by_the_rule_that_it_came_with(town: Town) -> None:
    git = town.repository.git
    town.enter("Ada", day=1)
    git("switch", "--quiet", "-c", "side")
    town.edit_rule("stages:\n", "stages:\n  canary:\n    verified: true\n")
    town.promote("1.1.0", "canary")
    (promotion, _) = town.project.registry.read_history("m", "canary")[-1]
    assert promotion.policy is not None
    assert promotion.policy.commit == git("rev-parse", "HEAD~1")
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "--squash", "side")
    git("commit", "--quiet", "-m", "Add canary")
    git("branch", "--quiet", "-D", "side")
    assert town.judge().findings == ()


def test_a_shallow_clone_lacks_what_it_cannot_judge(town: Town, tmp_path: Path) -> None:
    town.enter("Ada", day=1)
    town.weaken_rule()
    town.promote("1.1.0", "production")
    town.restore_rule()
    clone = tmp_path / "shallow"
    town.repository.git(
        "clone", "--quiet", "--depth=1", f"file://{town.repository.path}", str(clone)
    )
    shallow = Town(Repository(clone), town.clock)
    report = shallow.judge()
    assert (report.findings, report.unconfirmed) == ((), ())


def test_a_rebase_may_date_a_commit_before_its_promotion(town: Town) -> None:
    """Its seal tells when it was there, and the commit that was sealed."""
    git = town.repository.git
    town.enter("Ada", day=1)
    town.promote("1.1.0", "staging")
    git("commit", "--quiet", "--amend", "--no-edit", f"--date={NOW}")
    git("rebase", "--quiet", "--force-rebase", "--committer-date-is-author-date", "HEAD~1")
    assert town.name_findings() == []
    git("tag", "--delete", "m@staging.2")
    assert [kind for kind, _ in town.name_findings()] == ["date"]
