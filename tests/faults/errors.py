"""The system refuses a call: once or from there on; the disk is full, fails, is read-only or somebody else's."""

from __future__ import annotations

import errno
import os

from tests.faults import oracle
from tests.faults.calls import Fault, is_data
from tests.faults.campaign import Campaign, Sweep, Verdict
from tests.faults.ground import Place
from tests.faults.run import Run

_CODES = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)


def points(sweep: Sweep) -> list[Fault]:
    found = []
    for label in sweep.calls:
        if not label.startswith(("git-", "flock", "state")):
            found += [Fault(label, how, code) for code in _CODES for how in ("once", "on")]
            found += [Fault(label, "short")] * is_data(label)
    return found


def judge(sweep: Sweep, point: Fault) -> Verdict:
    place = sweep.copy()
    done = sweep.run(place, point)
    now = oracle.facts(place)
    wrong = complaints(done, place)
    if done.code in sweep.operation.again and not oracle.unlike(now, sweep.new):
        wrong = []  # it did without the call, and what was asked for is there
    elif done.code == 0:
        wrong += oracle.unlike(now, sweep.new)
    elif point.how == "on":
        wrong += oracle.torn(now, sweep.new, sweep.old, sweep.start)
    elif "nothing was changed" in done.err and oracle.unlike(now, sweep.start):
        # of what was interrupted before, the recovery may have settled a part
        wrong += oracle.torn(now, sweep.start, sweep.old)
    else:
        wrong += oracle.torn(now, sweep.new, sweep.old, sweep.start)
    return Verdict(
        done.fired, done.code == 0 and bool(wrong), [*wrong, *sweep.finish(place, kept=point.at.startswith("unlink"))]
    )


def complaints(done: Run, place: Place) -> list[str]:
    """What is wrong with how mlver told of it: the exit code, a traceback, no path to look at."""
    if done.code not in (0, 3):
        return [f"exited {done.code}: {done.err}"]
    if "Traceback" in done.err:
        return [f"showed a traceback: {done.err}"]
    named = {os.path.normpath(place.path / word.strip(":;,()[]'")) for word in done.err.split()}
    about = {at for path in done.paths for at in (path, os.path.dirname(path))}  # noqa: PTH120
    return [f"did not name {done.paths}: {done.err}"] if done.code == 3 and about and not about & named else []


ERRORS = Campaign(points, judge)
