"""The campaigns, run in processes of their own that can fork thousands of times."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT
from tests.faults import inside_git, power
from tests.faults.campaign import CampaignTally
from tests.faults.campaigns import plan_extended_run, plan_ordinary_run
from tests.faults.sampling import read_turn
from tests.faults.table import Record
from tests.programs import require_program

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="forks, memfd, /proc and loop devices are Linux's"
)


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    """What kills inside git, and what makes the file systems that lose their power.

    Without them, less is tried.
    """
    for program, package in (
        ("strace", "strace"),
        ("mkfs.ext4", "e2fsprogs"),
        ("mkfs.xfs", "xfsprogs"),
    ):
        with suppress(pytest.skip.Exception):
            require_program(program, package)


_TURN = read_turn(CHECKOUT)


RunCampaigns = Callable[[str, str], dict[str, CampaignTally]]


@pytest.fixture(scope="module")
def campaigns() -> Iterator[RunCampaigns]:
    """What runs campaigns on a subject, for as long as it takes: one process to fork from."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults", "--serve"],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": os.fspath(CHECKOUT), "PYTHONHASHSEED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:

        def run_campaigns(wanted: str, name: str) -> dict[str, CampaignTally]:
            assert server.stdin is not None
            assert server.stdout is not None
            request = {"campaigns": wanted, "point": name, "turn": _TURN}
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline() or '"the server ended"')
            if isinstance(answer, str):
                pytest.fail(f"python -m tests.faults --turn={_TURN} {wanted} {name!r}: {answer}")
            return {campaign: CampaignTally(**tally) for campaign, tally in answer.items()}

        yield run_campaigns


def judge(tallies: dict[str, CampaignTally], record: Record) -> None:
    for campaign, tally in tallies.items():
        record(campaign, tally)
    red = [
        f"python -m tests.faults --turn={_TURN} {campaign} '{point}'\n"
        + "".join(f"    {fault}\n" for fault in faults)
        for campaign, tally in tallies.items()
        for point, faults in tally.red.items()
    ]
    assert not red, f"{len(red)} points are red; to replay one:\n" + "\n".join(red[:10])


@pytest.mark.parametrize(
    ("wanted", "name"),
    plan_ordinary_run(),
    ids=[f"{wanted.partition('=')[0]}-{name}" for wanted, name in plan_ordinary_run()],
)
def test_nothing_is_lost_and_all_is_told(
    wanted: str, name: str, campaigns: RunCampaigns, record: Record
) -> None:
    judge(campaigns(wanted, name), record)


@pytest.mark.long
@pytest.mark.parametrize(
    ("wanted", "name"),
    plan_extended_run(),
    ids=[f"{wanted}-{name}" for wanted, name in plan_extended_run()],
)
def test_nothing_is_lost_in_the_long_run(
    wanted: str, name: str, campaigns: RunCampaigns, record: Record
) -> None:
    judge(campaigns(wanted, name), record)


def test_a_power_cut_can_be_made_here() -> None:
    if why := power.why_no_power_cut():
        pytest.skip(f"NO REAL POWER CUT WAS TRIED: {why}")
    assert set(power.list_file_systems()) <= {"ext4", "xfs"}


def test_git_can_be_killed_here() -> None:
    if why := inside_git.why_git_cannot_be_killed():
        pytest.skip(f"GIT WAS NOT KILLED AT ITS OWN CALLS: {why}")


def test_a_tally_counts_a_fault_that_never_came_as_red(tmp_path: Path) -> None:
    tally = CampaignTally()
    tally.add_point("here", [], fired=False)
    assert (tally.points, tally.fired, list(tally.red)) == (1, 0, ["here"])
