"""Killed inside git, at each of git's own mutating calls.

Git is killed alone, or mlver with it, or mlver alone while git runs.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import replace

from tests.faults import oracle
from tests.faults.calls import GIT_CALLS, CallFault
from tests.faults.campaign import FaultCampaign, OperationSweep, PointVerdict
from tests.faults.oracle_of_remotes import NOTED
from tests.faults.run import start_child

_CALL = re.compile(r"^(?:\d+ +)?(\w+)\(", re.MULTILINE)


def why_git_cannot_be_killed() -> str:
    """Why git cannot be killed at its own calls here; empty where it can."""
    return "" if shutil.which("strace") else "needs strace"


def list_git_points(sweep: OperationSweep) -> list[CallFault]:
    found = []
    logs = sweep.root / "git.logs"
    logs.mkdir()
    sweep.run_operation(sweep.copy_place(), CallFault("", "trace", place=str(logs)))
    for label in sweep.calls:
        if label.startswith("git-"):
            made = Counter(_CALL.findall((logs / label).read_text()))
            for call, times in made.items():
                for number in range(1, times + 1) if call in GIT_CALLS else ():
                    found += [
                        CallFault(label, "git", detail=f"{call}:{number}{who}")
                        for who in (":all", ":alone")
                    ]
            # a git that names nothing waits nowhere
            found += [CallFault(label, "slow", detail="rename:1")] * bool(made["rename"]) + [
                CallFault(label, "starved")
            ]
    return found


def judge_git_kill(sweep: OperationSweep, point: CallFault) -> PointVerdict:
    place = sweep.copy_place()
    if point.how == "slow":
        # git still runs when the next command comes: that one has to wait for it
        done = start_child(place.path, sweep.operation.argv, replace(point)).wait_for_end(
            orphans=False
        )
        return PointVerdict(done.fired, False, sweep.finish_operation(place, afresh=True))
    done = sweep.run_operation(place, point)
    lost = (
        oracle.list_differences(oracle.collect_facts(place), sweep.new)
        if done.is_acknowledged(sweep.operation.told)
        else []
    )
    lost = [fault for fault in lost if not fault.startswith(NOTED)]
    wrong = [] if done.code in (None, 0, 3) else [f"exited {done.code}: {done.err}"]
    if done.code == 3:
        now = oracle.collect_facts(place)
        wrong += oracle.list_torn(now, sweep.new, sweep.old, sweep.start)
    wrong += sweep.judge_place(place, settle_first=point.detail.endswith("all"))
    return PointVerdict(done.fired, bool(lost), [*lost, *wrong])


INSIDE_GIT = FaultCampaign(list_git_points, judge_git_kill)
