"""A power cut on a disk that keeps nothing unasked (see `disk`), at every call and right after the answer."""

from __future__ import annotations

from dataclasses import replace

from tests.faults import ground
from tests.faults.calls import Fault
from tests.faults.campaign import Campaign, Sweep, Verdict
from tests.faults.ground import Place


def points(sweep: Sweep) -> list[Fault]:
    return [Fault(label, how) for label in (*sweep.calls, "end") for how in ("unsynced", "unwritten")]


def judge(sweep: Sweep, point: Fault) -> Verdict:
    place = sweep.copy()
    left = Place(sweep.root / f"{sweep.operation.name}.left")
    ground.clear(left.path)
    done = sweep.run(place, replace(point, place=str(left.path)))
    if not left.path.exists():
        return Verdict(False, False, [])
    lost = sweep.lost(left) if done.acknowledged else []
    return Verdict(done.fired, bool(lost), [*lost, *sweep.judge(left, settle_first=point.how == "unsynced")])


UNSYNCED = Campaign(points, judge)
