"""Every campaign by name, what each is run on, and how many points an ordinary run takes of it."""

from __future__ import annotations

from pathlib import Path

from tests.faults import inside_git, power
from tests.faults.campaign import CampaignExtent, CampaignTally, OperationSweep, sweep_operation
from tests.faults.damage import KINDS, damage_files
from tests.faults.errors import ERRORS
from tests.faults.inside_git import INSIDE_GIT
from tests.faults.kill import KILL
from tests.faults.operations import OPERATIONS, find_operation
from tests.faults.power import POWER
from tests.faults.together import PAIRS, judge_pair
from tests.faults.unsynced import UNSYNCED

SWEEPS = {"kill": KILL, "errors": ERRORS, "git": INSIDE_GIT, "unsynced": UNSYNCED, "power": POWER}
TITLES = {
    "kill": "killed at each call",
    "git": "killed inside git",
    "power": "power cut, ext4 and xfs",
    "unsynced": "power cut, nothing unsynced kept",
    "errors": "full, failing, forbidden disk",
    "together": "two at once",
    "damage": "damaged files",
}
# Operations that make sense in a repository where other work is under way, or that has had a longer
# life.
_PLAIN = (
    "register-first register register-large register-staged tag promote promote-again rollback"
    " checkout checkout-to"
)
# Killed here, and then again at each call of the command that settles it: operations, and the calls
# of each.
_TWICE = "register-first register register-large promote rollback resolve adopt"
_BEFORE = "open#2 write#2 rename#1 rename#2 rename#3 git-update-index#1 fsync#20 unlink#1"
# So many points a run tries of each operation, pair or kind of file; None: all there are.
Most = dict[str, int | None]
# An ordinary run takes little more than it promises: all of it is to end within three minutes on
# two cores.
EVERY_RUN: Most = {"kill": 39, "errors": 14, "git": 4, "unsynced": 6, "power": 1}
# Of an operation that writes as another does that is swept whole.
BRIEF: Most = {"kill": 12, "errors": 6, "unsynced": 2}
OTHERS: Most = {"together": 10, "damage": 101}
# In every run, these are killed at each of their calls.
EXHAUSTIVE = frozenset(("register", "promote", "rollback", "checkout", "tag"))
# Where workers share the calls out, each kill takes a run of its own, and more of the processor.
_CROWDED = 20
LONG_RUN: Most = {"kill": None, "errors": 250, "git": None, "unsynced": None, "power": 240}
LONG_OTHERS: Most = {"together": 170, "damage": 1_010}
# What a run promises in all; it fails where it did not try so many.
_WANTED = {
    "kill": 2_000,
    "git": 100,
    "power": 50,
    "unsynced": 200,
    "errors": 500,
    "together": 100,
    "damage": 1_000,
}
_WANTED_LONG = {
    "kill": 20_000,
    "git": 3_000,
    "power": 5_000,
    "unsynced": 4_000,
    "errors": 5_000,
    "together": 2_000,
    "damage": 10_000,
}


def wanted_points(*, long: bool) -> dict[str, int]:
    return _WANTED_LONG if long else _WANTED


def run_campaigns(
    wanted: dict[str, CampaignExtent], name: str, root: Path
) -> dict[str, CampaignTally]:
    """Several campaigns on one operation, pair or kind of file."""
    if "together" in wanted:
        (pair,) = (pair for pair in PAIRS if pair.name == name)
        return {"together": judge_pair(pair, root, wanted["together"])}
    if "damage" in wanted:
        return {"damage": damage_files(name, root, wanted["damage"])}
    prepared = OperationSweep(find_operation(name), root)
    return {
        c: sweep_operation(SWEEPS[c], prepared, extent)
        for c, extent in wanted.items()
        if not why_impossible(c)
    }


def why_impossible(campaign: str) -> str:
    """Why a campaign cannot be run here; empty where it can."""
    return {"power": power.why_no_power_cut, "git": inside_git.why_git_cannot_be_killed}.get(
        campaign, str
    )()


def plan_ordinary_run() -> list[tuple[str, str]]:
    """What an ordinary run takes: campaigns with their points, and what they are run on."""
    planned: list[tuple[str, str]] = []
    for operation in OPERATIONS:
        most = dict(EVERY_RUN)
        if operation.name in EXHAUSTIVE:
            most |= {"kill": None, "git": 5, "power": 4}
        elif operation.brief:
            most = dict(BRIEF)
        elif operation.crowded:
            most["kill"] = _CROWDED
        planned += _plan_each([operation.name], most, {})
    return [*planned, *_plan_each([], {}, OTHERS)]


def plan_extended_run() -> list[tuple[str, str]]:
    """The long run: every operation in several states of its repository, each campaign alone."""
    names = [operation.name for operation in OPERATIONS]
    names += [f"{base}+{state}" for base in _PLAIN.split() for state in ("busy", "many")]
    twice = [f"{base}@{label}" for base in _TWICE.split() for label in _BEFORE.split()]
    return [
        (told, name)
        for campaign, most in LONG_RUN.items()
        for told, name in _plan_each(
            [*names, *(twice if campaign == "kill" else [])],
            {campaign: most},
            LONG_OTHERS if campaign == "kill" else {},
        )
    ]


def _plan_each(names: list[str], most: Most, others: Most) -> list[tuple[str, str]]:
    subjects = {"together": [pair.name for pair in PAIRS], "damage": list(KINDS)}
    return [
        *(
            (",".join(_format_request(campaign, points) for campaign, points in most.items()), name)
            for name in names
        ),
        *(
            (_format_request(campaign, points), name)
            for campaign, points in others.items()
            for name in subjects[campaign]
        ),
    ]


def _format_request(campaign: str, points: int | None) -> str:
    return campaign if points is None else f"{campaign}={points}"
