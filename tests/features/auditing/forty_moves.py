"""A year of one model: forty moves of two stages by four people, some of whom went too far."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Repository
from tests.copies import copy_folder
from tests.project.audit.forging import Town
from tests.project.helpers import write_artifact

MOVES = 40
# The days after 2 January 2026 on which something out of the ordinary happened.
ROLLBACK, FORCED, WEAKENED, FORGED, EMPTIED, WITHDRAWN = 100, 120, 140, 160, 180, 200


def build_year(origin: Path, folder: Path, clock: pytest.MonkeyPatch) -> Town:
    """Copy the town, in which two moves were made, and let the year go by."""
    town = Town(Repository(copy_folder(origin, folder)), clock)
    _work_as_usual(town)
    _roll_back(town)
    town.enter("Kim", day=FORCED)
    _run(town, "promote", "m@1.9.0", "--to", "production", "-m", "the fair begins", "--force")
    town.enter("Mallory", day=WEAKENED)
    town.weaken_rule()
    _run(town, "promote", "m@1.10.0", "--to", "production", "-m", "quickly")
    town.restore_rule()
    town.enter("Mallory", day=FORGED)
    town.write_forgery(author="Ana <ana@example.org>", created="2026-06-11T03:04:05Z")
    town.repository.commit("mlver: promote m production to 1.10.0")
    town.enter("Mara", day=EMPTIED)
    _run(town, "retire", "m", "--stage", "staging", "-m", "the test bench is rebuilt")
    _fill_up(town)
    town.enter("Ana", day=WITHDRAWN)
    consent = ("--basis", "consent", "--purpose", "training", "--reference", "form 7")
    _run(town, "authorise", "m@1.2.0:train", *consent, "-m", "consent was given")
    _run(town, "authorise", "m@1.2.0:train", "--withdraw", "-m", "ticket 4711")
    return town


def _run(town: Town, *argv: str) -> None:
    done = town.repository.mlver(*argv)
    assert done.code == 0, done.err


def _work_as_usual(town: Town) -> None:
    """Nine versions; eight of them went to staging, and a day later to production."""
    people = ("Mara", "Kim", "Ana")
    for number in range(2, 11):
        version = f"1.{number}.0"
        town.enter(people[number % 3], day=number * 8)
        write_artifact(town.repository, "w", {"a": version})
        write_artifact(town.repository, "train.csv", f"rows {number // 5}\n")
        asked = ("--weights", "w", "--data", "train=train.csv", "--allow-dirty")
        rate = ("--param", f"lr={number / 1000}", "--param", "seed=42")
        _run(town, "register", "m", "--version", version, *asked, *rate, "-m", f"round {number}")
        if number > 8:
            continue
        _run(town, "promote", f"m@{version}", "--to", "staging", "-m", f"try round {number}")
        town.enter(people[(number + 1) % 3], day=number * 8 + 1)
        _run(town, "promote", f"m@{version}", "--to", "production", "-m", f"round {number} is good")


def _roll_back(town: Town) -> None:
    town.enter("Ana", day=ROLLBACK)
    _run(town, "rollback", "m", "--stage", "production", "-m", "latency doubled at noon")


def _fill_up(town: Town) -> None:
    """Go back and forth in staging, up to all of the moves."""
    project = town.project
    made = 0
    for stage in ("staging", "production"):
        made += len(project.registry.read_history("m", stage))
    for number in range(MOVES - made):
        town.enter("Mara", day=EMPTIED + 1, second=3_600 * number)
        version = f"1.{3 + number % 3}.0"
        _run(town, "promote", f"m@{version}", "--to", "staging", "-m", f"compare again {number}")
