"""Every campaign by name, what each is run on, and how many points an ordinary run takes of it."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.faults import power
from tests.faults.campaign import Sweep, Tally, sweep
from tests.faults.damage import KINDS, damage
from tests.faults.errors import ERRORS
from tests.faults.inside_git import INSIDE_GIT
from tests.faults.kill import KILL
from tests.faults.operations import OPERATIONS, find
from tests.faults.power import POWER
from tests.faults.together import PAIRS, together
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
# So many points of each operation, pair or kind of file: together what an ordinary run promises.
EVERY_RUN = {"kill": 104, "errors": 24, "git": 8, "unsynced": 10, "power": 3}
TOGETHER, DAMAGE = 13, 102


def swept(wanted: dict[str, int], name: str, root: Path, only: str = "") -> dict[str, Tally]:
    """Several campaigns on one operation, pair or kind of file; with 0 points wanted, exhaustively."""
    most = {campaign: number or sys.maxsize for campaign, number in wanted.items()}
    if "together" in wanted:
        (pair,) = (pair for pair in PAIRS if pair.name == name)
        return {"together": together(pair, root, most["together"], only)}
    if "damage" in wanted:
        return {"damage": damage(name, root, most["damage"], only)}
    prepared = Sweep(find(name), root)
    impossible = {"power"} if power.missing() else set()
    return {c: sweep(SWEEPS[c], prepared, most[c], only) for c in wanted if c not in impossible}


def ordinary() -> list[tuple[str, str]]:
    """What an ordinary run takes: campaigns with their points, and what they are run on."""
    told = ",".join(f"{campaign}={most}" for campaign, most in EVERY_RUN.items())
    return [
        *((told, operation.name) for operation in OPERATIONS),
        *((f"together={TOGETHER}", pair.name) for pair in PAIRS),
        *((f"damage={DAMAGE}", kind) for kind in KINDS),
    ]
