"""A power cut on a disk that keeps nothing unasked (see `disk`), at every call and right after the
answer.
"""

from __future__ import annotations

from dataclasses import replace

from tests.faults import ground
from tests.faults.calls import CallFault
from tests.faults.campaign import FaultCampaign, OperationSweep, PointVerdict
from tests.faults.ground import WorkPlace
from tests.faults.run import ChildRun


def list_unsynced_points(sweep: OperationSweep) -> list[CallFault]:
    return [
        CallFault(label, how)
        for label in (*sweep.calls, "end")
        for how in ("unsynced", "unwritten")
    ]


def judge_unsynced(sweep: OperationSweep, point: CallFault) -> PointVerdict:
    settle_first = point.how == "unsynced"
    if sweep.is_judged(point, settle_first=settle_first):
        return PointVerdict(True, False, [])
    where = sweep.root / f"{sweep.operation.name}.left"

    def run_cut() -> tuple[WorkPlace, ChildRun]:
        ground.clear_directory(where)
        place = sweep.copy_place()
        done = sweep.run_operation(place, replace(point, place=str(where)))
        ground.clear_directory(place.path)
        if where.exists():
            where.rename(place.path)
        return place, done

    left = sweep.leave_state(point, run_cut)
    if not left.place.path.exists():
        return PointVerdict(False, False, [])
    lost = sweep.list_losses(left.place, cut=True) if left.told else []
    wrong = sweep.judge_place(left.place, settle_first=settle_first)
    return PointVerdict(left.fired, bool(lost), [*left.wrong, *lost, *wrong])


UNSYNCED = FaultCampaign(list_unsynced_points, judge_unsynced, imaged=True)
