"""Killed before, after and in the middle of each mutating call, one at a time.

Each repository is then recovered, the command rerun, and the result judged.
"""

from __future__ import annotations

from tests.faults.calls import CallFault, is_data
from tests.faults.campaign import FaultCampaign, OperationSweep, PointVerdict
from tests.faults.ground import WorkPlace
from tests.faults.run import ChildRun


def list_kill_points(sweep: OperationSweep) -> list[CallFault]:
    """Every way to be killed, in the order of the calls."""
    hows = {True: ("before", "torn", "after"), False: ("before", "after")}
    return [CallFault(label, how) for label in sweep.calls for how in hows[is_data(label)]]


def judge_kill(sweep: OperationSweep, point: CallFault) -> PointVerdict:
    # after(N) and before(N+1) are one state of the disk: one way in is a recovery of its own, the
    # other the rerun's
    settle_first = point.how != "after"
    if sweep.is_judged(point, settle_first=settle_first):
        return PointVerdict(True, False, [])

    def run_killed() -> tuple[WorkPlace, ChildRun]:
        place = sweep.copy_place()
        return place, sweep.run_operation(place, point)

    left = sweep.leave_state(point, run_killed)
    lost = sweep.list_losses(left.place) if left.told else []
    wrong = sweep.judge_place(left.place, settle_first=settle_first)
    return PointVerdict(left.fired, bool(lost), [*left.wrong, *lost, *wrong])


KILL = FaultCampaign(list_kill_points, judge_kill, imaged=True)
