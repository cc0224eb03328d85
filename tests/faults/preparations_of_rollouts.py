"""A version in use, and another one that gets a share of its traffic."""

from __future__ import annotations

from tests.faults.ground import WorkPlace
from tests.faults.preparations import prepare_two_versions
from tests.policy.made_alerts import FIRST, dump_alerts

_CANDIDATE = ("m@1.1.0", "--to", "production")
SHARE = ("rollout", *_CANDIDATE, "--share", "10", "-m", "A tenth")
MORE = ("rollout", *_CANDIDATE, "--share", "50", "-m", "Half")
WITHDRAW = ("rollout", *_CANDIDATE, "--withdraw", "-m", "Worse")
PROMOTE_CANDIDATE = ("promote", *_CANDIDATE, "-m", "Better")


def prepare_candidate(place: WorkPlace) -> None:
    """Two versions, the first in production."""
    prepare_two_versions(place)
    place.mlver("promote", "m@1.0.0", "--to", "production", "-m", "Good")


def prepare_shared(place: WorkPlace) -> None:
    """The same, and the second has a tenth of the traffic."""
    prepare_candidate(place)
    place.mlver(*SHARE)


def prepare_shared_alert(place: WorkPlace) -> None:
    """The same, and an alert about the second."""
    prepare_shared(place)
    place.write("alert.json", dump_alerts({"a1b2": FIRST}).decode())
