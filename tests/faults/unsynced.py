"""A power cut on a disk that keeps nothing unasked (see `disk`), at every call and right after the
answer.
"""

from __future__ import annotations

from dataclasses import replace

from tests.faults import ground
from tests.faults.calls import CallFault
from tests.faults.campaign import FaultCampaign, OperationSweep, PointVerdict
from tests.faults.ground import WorkPlace


def list_unsynced_points(sweep: OperationSweep) -> list[CallFault]:
    return [
        CallFault(label, how)
        for label in (*sweep.calls, "end")
        for how in ("unsynced", "unwritten")
    ]


def judge_unsynced(sweep: OperationSweep, point: CallFault) -> PointVerdict:
    place = sweep.copy_place()
    left = WorkPlace(sweep.root / f"{sweep.operation.name}.left")
    ground.clear_directory(left.path)
    done = sweep.run_operation(place, replace(point, place=str(left.path)))
    if not left.path.exists():
        return PointVerdict(False, False, [])
    lost = sweep.list_losses(left) if done.is_acknowledged else []
    return PointVerdict(
        done.fired,
        bool(lost),
        [*lost, *sweep.judge_place(left, settle_first=point.how == "unsynced")],
    )


UNSYNCED = FaultCampaign(list_unsynced_points, judge_unsynced)
