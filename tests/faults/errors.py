"""The system refuses a call: once or from there on.

The disk is full, fails, is read-only or somebody else's.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tests.faults import oracle
from tests.faults.calls import CallFault, is_data
from tests.faults.campaign import FaultCampaign, OperationSweep, PointVerdict
from tests.faults.ground import WorkPlace
from tests.faults.preparations_of_remotes import BUCKET
from tests.faults.run import ChildRun

_CODES = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)


def list_error_points(sweep: OperationSweep) -> list[CallFault]:
    found = []
    for label in sweep.calls:
        if not label.startswith(("git-", "flock", "state")):
            found += [CallFault(label, how, code) for code in _CODES for how in ("once", "on")]
            found += [CallFault(label, "short")] * is_data(label)
    return found


def judge_error(sweep: OperationSweep, point: CallFault) -> PointVerdict:
    place = sweep.copy_place()
    done = sweep.run_operation(place, point)
    now = oracle.collect_facts(place)
    wrong = list_complaints(done, place, reports=sweep.operation.reports)
    if done.code in sweep.operation.again and not oracle.list_differences(now, sweep.new):
        wrong = []  # it did without the call, and what was asked for is there
    elif done.code == 0:
        wrong += oracle.list_differences(now, sweep.new)
    elif point.how == "on":
        wrong += oracle.list_torn(now, sweep.new, sweep.old, sweep.start)
    elif (
        "nothing was changed" in done.err
        and not sweep.operation.told
        and oracle.list_differences(now, sweep.start)
    ):
        # Of one that tells of each step, it is true of that step, and others went on. Of what was
        # interrupted before, the recovery may have settled a part.
        wrong += oracle.list_torn(now, sweep.start, sweep.old)
    else:
        wrong += oracle.list_torn(now, sweep.new, sweep.old, sweep.start)
    return PointVerdict(
        done.fired,
        done.code == 0 and bool(wrong),
        [*wrong, *sweep.finish_operation(place, kept=point.at.startswith("unlink"))],
    )


def list_complaints(done: ChildRun, place: WorkPlace, *, reports: bool) -> list[str]:
    """What is wrong with how mlver told of it: the exit code, a traceback, no path to look at.

    A command that `reports` says it in its report, with exit code 1.
    """
    refusals = (1, 3) if reports else (3,)
    if done.code not in (0, *refusals):
        return [f"exited {done.code}: {done.err}"]
    if "Traceback" in done.err:
        return [f"showed a traceback: {done.err}"]
    # what is held open has its real path, also where a link leads to it
    words = f"{done.out} {done.err}" if done.code == 1 else done.err
    words = words.replace("/proc/self/cwd", os.fspath(place.path))
    named = {os.path.realpath(place.path / word.strip(":;,()[]'")) for word in words.split()}
    # what is written at a remote is named by where it is to be
    bucket = os.path.realpath(place.path / BUCKET)
    above = {os.fspath(up) for at in named for up in Path(at).parents}
    named |= {at for at in above if at.startswith(bucket)}
    about = {at for path in done.paths for at in (path, os.path.dirname(path))}  # noqa: PTH120
    return (
        [f"did not name {done.paths}: {done.err}"]
        if done.code in refusals and about and not about & named
        else []
    )


ERRORS = FaultCampaign(list_error_points, judge_error)
