"""No honest history raises an alarm: whatever people did, however it landed and was cloned."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import copy_repository
from tests.conftest import Repository
from tests.forgeries.ground import Ground, StoryTeller, assert_works_aloud, at_time, build_ground
from tests.forgeries.honest import (
    BOB,
    CLONES,
    LANDINGS,
    WORKS,
    Landing,
    Work,
    build_branch,
    clone_repository,
    drop_gate_for_good,
    land_after_waiting_rule,
    promote_by_force,
    promote_to_production,
    relax_for_a_quarter,
)
from tests.promotions import write_promotion


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return build_ground(tmp_path_factory.mktemp("honest"))


def test_there_are_enough_histories() -> None:
    assert len(WORKS) * len(LANDINGS) * len(CLONES) >= 300


@pytest.mark.parametrize("work", WORKS)
def test_nothing_honest_is_called_a_forgery(ground: Ground, work: str, tmp_path: Path) -> None:
    branch = build_branch(ground, WORKS[work], tmp_path / "branch")
    checked = branch.repository.mlver("hook", "check", "--from", ground.tip, "--to", "HEAD")
    alarms = []
    if checked.code:
        alarms.append(("hook check", checked.out + checked.err))
    for name, land in LANDINGS.items():
        teller = StoryTeller(copy_repository(branch.repository, tmp_path / name), branch.now)
        land(Landing(teller))
        _seal_what_landed(teller)
        alarms += _verify_clones(teller.repository, tmp_path, name)
    assert alarms == []


@pytest.mark.parametrize("promote", [promote_to_production, promote_by_force])
def test_a_rule_may_be_relaxed_for_a_quarter(ground: Ground, promote: Work, tmp_path: Path) -> None:
    teller = StoryTeller(copy_repository(ground.repository, tmp_path / "relaxed"), ground.now)
    relax_for_a_quarter(teller, promote)
    assert _verify_clones(teller.repository, tmp_path, "relaxed") == []


def test_a_gate_may_be_dropped_for_good(ground: Ground, tmp_path: Path) -> None:
    teller = StoryTeller(copy_repository(ground.repository, tmp_path / "dropped"), ground.now)
    drop_gate_for_good(teller)
    assert _verify_clones(teller.repository, tmp_path, "dropped") == []


def test_a_stricter_rule_may_wait_on_a_branch(ground: Ground, tmp_path: Path) -> None:
    teller = StoryTeller(copy_repository(ground.repository, tmp_path / "waited"), ground.now)
    land_after_waiting_rule(teller)
    _seal_what_landed(teller)
    assert _verify_clones(teller.repository, tmp_path, "waited") == []


def test_what_an_older_mlver_did_on_a_branch_may_be_merged(ground: Ground, tmp_path: Path) -> None:
    """The branch forked before the first record of today's format."""
    repository = copy_repository(ground.repository, tmp_path / "older")
    with at_time(ground.now, BOB):
        write_promotion(repository, "1.0.0", stage="canary", early=True)
        write_promotion(repository, "1.1.0", stage="canary", early=True)
    assert _verify_clones(repository, tmp_path, "older") == []


def _seal_what_landed(teller: StoryTeller) -> None:
    teller.now += 60
    with at_time(teller.now, BOB):
        assert_works_aloud(teller.repository, "tag")


def _verify_clones(repository: Repository, top: Path, name: str) -> list[tuple[str, str]]:
    alarms: list[tuple[str, str]] = []
    for kind, words in CLONES.items():
        clone = clone_repository(repository, top / f"{name} {kind}", words)
        done = clone.mlver("verify", "--all")
        if done.code:
            alarms.append((f"{name}, {kind}", done.out + done.err))
    return alarms
