"""Killed before, after and in the middle of each mutating call, one at a time.

Each repository is then recovered, the command rerun, and the result judged.
"""

from __future__ import annotations

from tests.faults.calls import CallFault, is_data
from tests.faults.campaign import FaultCampaign, OperationSweep, PointVerdict


def list_kill_points(sweep: OperationSweep) -> list[CallFault]:
    """Every way to be killed, in the order of the calls."""
    hows = {True: ("before", "torn", "after"), False: ("before", "after")}
    return [CallFault(label, how) for label in sweep.calls for how in hows[is_data(label)]]


def judge_kill(sweep: OperationSweep, point: CallFault) -> PointVerdict:
    place = sweep.copy_place()
    done = sweep.run_operation(place, point)
    lost = sweep.list_losses(place) if done.is_acknowledged else []
    # after(N) and before(N+1) are one state of the disk: one way in is a recovery of its own, the
    # other the rerun's
    wrong = sweep.judge_place(place, settle_first=point.how != "after")
    return PointVerdict(done.fired, bool(lost), [*lost, *wrong])


KILL = FaultCampaign(list_kill_points, judge_kill)
