"""A version in use, and an alert about it."""

from __future__ import annotations

from tests.faults.ground import WorkPlace
from tests.faults.preparations import prepare_staged
from tests.policy.made_alerts import FIRST, dump_alerts

BACK_ONCE = (
    *("rollback", "m", "--stage", "production", "-m", "Worse"),
    *("--if-holds", "1.1.0", "--because", "alert.json"),
)


def prepare_alerted(place: WorkPlace) -> None:
    """Two versions, the second in production, and an alert that fires."""
    prepare_staged(place)
    place.write("alert.json", dump_alerts({"a1b2": FIRST}).decode())
