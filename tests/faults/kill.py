"""Killed before, after and in the middle of each mutating call, one at a time; then recovered, rerun and judged."""

from __future__ import annotations

from tests.faults.calls import Fault, is_data
from tests.faults.campaign import Campaign, Sweep, Verdict


def points(sweep: Sweep) -> list[Fault]:
    """Every way to be killed, in the order of the calls."""
    hows = {True: ("before", "torn", "after"), False: ("before", "after")}
    return [Fault(label, how) for label in sweep.calls for how in hows[is_data(label)]]


def judge(sweep: Sweep, point: Fault) -> Verdict:
    place = sweep.copy()
    done = sweep.run(place, point)
    lost = sweep.lost(place) if done.acknowledged else []
    # after(N) and before(N+1) are one state of the disk: one way in is a recovery of its own, the other the rerun's
    wrong = sweep.judge(place, settle_first=point.how != "after")
    return Verdict(done.fired, bool(lost), [*lost, *wrong])


KILL = Campaign(points, judge)
