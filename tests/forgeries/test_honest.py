"""No honest history raises an alarm: whatever people did, however it landed and was cloned."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from tests.cli.conftest import copy_repository
from tests.conftest import CHECKOUT, Repository
from tests.faults.sampling import read_turn
from tests.forgeries.ground import Ground, StoryTeller, assert_works_aloud, at_time, build_ground
from tests.forgeries.honest import (
    BOB,
    CLONES,
    LANDINGS,
    ORDINARY_CLONES,
    WORKS,
    Landing,
    Work,
    build_branch,
    choose_clones,
    clone_repository,
    drop_gate_for_good,
    land_after_waiting_rule,
    promote_by_force,
    promote_to_production,
    relax_for_a_quarter,
)
from tests.promotions import write_promotion

_TURN = read_turn(CHECKOUT)


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return build_ground(tmp_path_factory.mktemp("honest"))


def test_there_are_enough_histories() -> None:
    assert len(WORKS) * len(LANDINGS) * ORDINARY_CLONES >= 300


@pytest.mark.parametrize("turn", range(len(CLONES)))
def test_every_work_is_cloned_in_every_way_and_in_time_every_landing(turn: int) -> None:
    chosen = [choose_clones(number, turn) for number in range(len(LANDINGS))]
    assert [len(kinds) for kinds in chosen] == [ORDINARY_CLONES] * len(LANDINGS)
    assert set().union(*chosen) == set(CLONES)
    assert set().union(*(choose_clones(turn, later) for later in range(len(CLONES)))) == set(CLONES)


@pytest.mark.parametrize("work", WORKS)
def test_nothing_honest_is_called_a_forgery(
    ground: Ground, work: str, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    every = pytestconfig.getoption("--long")
    branch = build_branch(ground, WORKS[work], tmp_path / "branch")
    checked = branch.repository.mlver("hook", "check", "--from", ground.tip, "--to", "HEAD")
    alarms = []
    if checked.code:
        alarms.append(("hook check", checked.out + checked.err))
    first = list(WORKS).index(work)  # so that each landing is cloned in every way, too
    for number, (name, land) in enumerate(LANDINGS.items(), first):
        teller = StoryTeller(copy_repository(branch.repository, tmp_path / name), branch.now)
        land(Landing(teller))
        _seal_what_landed(teller)
        kinds = CLONES if every else choose_clones(number, _TURN)
        alarms += _verify_clones(teller.repository, tmp_path, name, kinds)
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


def _verify_clones(
    repository: Repository, top: Path, name: str, kinds: Collection[str] = CLONES
) -> list[tuple[str, str]]:
    alarms: list[tuple[str, str]] = []
    for kind in sorted(kinds):
        clone = clone_repository(repository, top / f"{name} {kind}", CLONES[kind])
        done = clone.mlver("verify", "--all")
        if done.code:
            alarms.append((f"{name}, {kind}", done.out + done.err))
    return alarms
