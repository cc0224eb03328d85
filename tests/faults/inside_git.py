"""Killed inside git, at each of git's own mutating calls: git alone, or mlver with it; or mlver while git runs."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import replace

from tests.faults import oracle
from tests.faults.calls import GIT_CALLS, Fault
from tests.faults.campaign import Campaign, Sweep, Verdict
from tests.faults.run import start

# These run the other side's git as well, whose locks are the other side's to mend.
_ELSEWHERE = ("git-push", "git-fetch", "git-ls-remote")
_CALL = re.compile(r"^\d+ +(\w+)\(", re.MULTILINE)


def missing() -> str:
    """Why git cannot be killed at its own calls here; empty where it can."""
    return "" if shutil.which("strace") else "needs strace"


def points(sweep: Sweep) -> list[Fault]:
    found = []
    log = sweep.root / "git.log"
    for label in sweep.calls:
        if label.startswith("git-") and not label.startswith(_ELSEWHERE):
            sweep.run(sweep.copy(), Fault(label, "trace", place=str(log)))
            made = Counter(_CALL.findall(log.read_text()))
            for call, times in made.items():
                for number in range(1, times + 1) if call in GIT_CALLS else ():
                    found += [Fault(label, "git", detail=f"{call}:{number}{who}") for who in (":all", ":alone")]
            # a git that names nothing waits nowhere
            found += [Fault(label, "slow", detail="rename:1")] * bool(made["rename"]) + [Fault(label, "starved")]
    return found


def judge(sweep: Sweep, point: Fault) -> Verdict:
    place = sweep.copy()
    if point.how == "slow":
        # git still runs when the next command comes: that one has to wait for it
        done = start(place.path, sweep.operation.argv, replace(point)).wait(orphans=False)
        return Verdict(done.fired, False, sweep.finish(place, afresh=True))
    done = sweep.run(place, point)
    lost = oracle.unlike(oracle.facts(place), sweep.new) if done.acknowledged else []
    wrong = [] if done.code in (None, 0, 3) else [f"exited {done.code}: {done.err}"]
    if done.code == 3:
        now = oracle.facts(place)
        wrong += oracle.torn(now, sweep.new, sweep.old, sweep.start)
    wrong += sweep.judge(place, settle_first=point.detail.endswith("all"))
    return Verdict(done.fired, bool(lost), [*lost, *wrong])


INSIDE_GIT = Campaign(points, judge)
