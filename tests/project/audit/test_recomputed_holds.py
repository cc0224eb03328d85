"""How long a version had held a stage is counted again: what broke it off begins it anew."""

from __future__ import annotations

import subprocess

import pytest

from mlver.project.stages.rollback import roll_back_stage
from tests.project.audit.forging import AFTER, Town

HOLD = "    hold: 48h\n"


@pytest.fixture
def held(town: Town) -> Town:
    """1.1.0 came to staging on day 1; production asks that it holds that for two days."""
    town.enter("Kim", day=1)
    town.edit_rule(f"  production:\n{AFTER}", f"  production:\n{AFTER}{HOLD}")
    town.promote("1.1.0", "staging")
    return town


def take_back(town: Town, *, day: int) -> None:
    town.enter("Kim", day=day)
    roll_back_stage(town.project, "m", stage="staging", message="it was slow")


def test_an_unbroken_hold_is_no_alarm(held: Town) -> None:
    held.enter("Kim", day=4)
    held.promote("1.1.0", "production")
    take_back(held, day=5)
    assert held.name_findings() == []


def test_a_hold_counts_from_after_its_break(held: Town) -> None:
    base = held.repository.git("rev-parse", "HEAD")
    take_back(held, day=3)
    held.enter("Kim", day=4)
    held.promote("1.1.0", "staging")
    held.force_through("1.1.0")
    words = "says that its gate `hold 48h` passed, and staging held it only since 2026-01-06"
    ((kind, message),) = held.name_findings()
    assert kind == "gate"
    assert message.startswith(words)
    code, said = held.check_range(base)
    assert code == 1
    assert words in said


def test_a_hold_that_is_over_is_none(held: Town) -> None:
    take_back(held, day=3)
    held.enter("Kim", day=4)
    held.force_through("1.1.0")
    ((_, message),) = held.name_findings()
    assert message == "says that its gate `hold 48h` passed, and staging did not hold it any more"


def test_a_break_on_another_branch_is_not_known(held: Town) -> None:
    git = held.repository.git
    git("switch", "--quiet", "--create", "release")
    held.enter("Kim", day=4)
    held.promote("1.1.0", "production")
    git("switch", "--quiet", "main")
    take_back(held, day=3)
    held.enter("Kim", day=5)
    git("rebase", "--quiet", "main", "release")
    assert held.name_findings() == []


def test_a_break_of_the_same_push_that_came_later_is_none(held: Town) -> None:
    base = held.repository.git("rev-parse", "HEAD")
    held.enter("Kim", day=4)
    held.promote("1.1.0", "production")
    take_back(held, day=5)
    assert held.check_range(base)[0] == 0


def test_a_merge_that_numbers_anew_hides_no_break(held: Town) -> None:
    git = held.repository.git
    git("switch", "--quiet", "--create", "release")
    take_back(held, day=3)
    held.enter("Kim", day=4)
    held.force_through("1.1.0")
    git("switch", "--quiet", "main")
    held.enter("Bob", day=5)
    held.promote("1.1.0", "production")
    held.enter("Kim", day=6)
    git("switch", "--quiet", "release")
    subprocess.run(["git", "merge", "--quiet", "main"], cwd=held.repository.path, check=False)
    assert held.repository.mlver("resolve").code == 0
    git("commit", "--quiet", "--no-edit", "--allow-empty")
    assert held.read_last().renumbered is not None
    messages = [message for _, message in held.name_findings()]
    assert "says that its gate `hold 48h` passed, and staging did not hold it any more" in messages
