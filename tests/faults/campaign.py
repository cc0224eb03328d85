"""What all campaigns share: an operation prepared, the faults it may meet, and the judgement afterwards."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mlver import durable
from tests.faults import ground, oracle
from tests.faults.calls import Fault
from tests.faults.ground import Place
from tests.faults.operations import Operation
from tests.faults.run import Run, here, run


@dataclass(slots=True)
class Tally:
    """What a campaign did: points tried, faults that came, acknowledged things lost, and every point that is red.

    `seconds` and `processor` (its seconds) are of all campaigns on the same subject.
    """

    points: int = 0
    fired: int = 0
    lost: int = 0
    seconds: float = 0.0
    processor: float = 0.0
    red: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, faults: list[str], *, fired: bool, lost: bool = False) -> None:
        self.points += 1
        self.fired += fired
        self.lost += lost
        if not fired:
            faults = [*faults, "the fault never came"]
        if faults:
            self.red[name] = faults


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one point."""

    fired: bool
    lost: bool
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class Campaign:
    """Every fault an operation may meet here, and what becomes of it with one of them."""

    points: Callable[[Sweep], list[Fault]]
    judge: Callable[[Sweep, Fault], Verdict]


class Sweep:
    """One operation, its repository before and after an undisturbed run, and the calls that run makes."""

    def __init__(self, operation: Operation, root: Path) -> None:
        self.operation = operation
        self.expected = ("unsealed",) if operation.unsealed else ()
        self.root = root
        self.template = ground.new(root / operation.name)
        operation.prepare(self.template)
        self.start = self.old = oracle.facts(self.template)
        if operation.begun is not None:
            before = ground.new(root / f"{operation.name}.begun")
            operation.begun(before)
            self.old = oracle.facts(before)
        place = self.copy()
        done = self.run(place)
        assert done.code in operation.again, f"{operation.name} exited {done.code}: {done.err}"
        self.calls = done.calls
        self.new = oracle.facts(place)
        self.wrong = oracle.leftovers(place) + oracle.unsound(place, *self.expected)
        again = self.run(place)
        if again.code not in operation.again or oracle.unlike(oracle.facts(place), self.new):
            self.wrong.append(f"the same command again exited {again.code}: {again.err}{again.out}")
        ground.clear(place.path)
        self._judged: set[str] = set()
        self._sound: set[str] = set()
        self._number = 0

    def copy(self) -> Place:
        """A fresh copy to work on; the last one goes."""
        where = self.root / f"{self.operation.name}.work"
        ground.clear(where)
        return ground.copy(self.template.path, where)

    def lost(self, place: Place) -> list[str]:
        """What the person was told is done, and is not; a plan that is pending would be carried out once more."""
        pending = ["the plan is still pending"] if (place.ours / "intent.json").exists() else []
        return oracle.unlike(oracle.facts(place), self.new) + pending

    def run(self, place: Place, fault: Fault | None = None) -> Run:
        setup = _crowd if self.operation.crowded else None
        return run(place.path, self.operation.argv, fault or Fault("", "record"), setup)

    def judge(self, place: Place, *, settle_first: bool, afresh: bool = False) -> list[str]:
        """All that is wrong with an interrupted repository, and with what becomes of it."""
        state = f"{settle_first}{oracle.print_of(place)}"
        if state in self._judged and not afresh:
            return []
        wrong = oracle.torn(oracle.facts(place), self.new, self.old, self.start)
        if settle_first:
            wrong += oracle.recover(place) + oracle.leftovers(place)
            now = oracle.facts(place)
            wrong += oracle.torn(now, self.new, self.old)
            if not self.operation.piecemeal:
                wrong += oracle.mixed(now, self.old, self.new)
        wrong += self.finish(place, afresh=afresh)
        if not wrong:
            self._judged.add(state)
        return wrong

    def finish(self, place: Place, *, afresh: bool = False, kept: bool = False) -> list[str]:
        """Run the command again, normally: now everything is as if nothing had ever happened.

        `kept`: the system would not let a temporary go, so one may be left.
        """
        state = oracle.print_of(place)
        if state in self._judged and not afresh:
            return []
        # workers are forked in a child alone
        again = self.run(place) if self.operation.crowded else here(place.path, self.operation.argv)
        wrong = []
        if again.code not in self.operation.again:
            wrong.append(f"run again, it exited {again.code}: {again.err}{again.out}")
        wrong += oracle.unlike(oracle.facts(place), self.new) + ([] if kept else oracle.leftovers(place))
        end = oracle.print_of(place)
        if end not in self._sound or afresh:
            wrong += oracle.unsound(place, *self.expected)
            wrong += oracle.recover(place)
            if oracle.print_of(place) != end:
                wrong.append("a second recovery changed something")
        if not wrong:
            self._sound.add(end)
            self._judged.add(state)
        return wrong


def sampled(points: list[Fault], most: int, seed: str) -> list[Fault]:
    """At most so many of the points, spread evenly, beginning at a seeded place."""
    if len(points) <= most:
        return points
    step = len(points) / most
    start = random.Random(seed).random() * step
    return [points[int(start + number * step) % len(points)] for number in range(most)]


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a campaign goes: at most so many points, or `only` that one, or no further than the `first` red one."""

    most: int = sys.maxsize
    only: str = ""
    first: bool = False

    def ends(self, tally: Tally) -> bool:
        return tally.points >= self.most or (self.first and bool(tally.red))


def sweep(campaign: Campaign, prepared: Sweep, extent: Extent) -> Tally:
    """One campaign on one operation."""
    operation = prepared.operation
    tally = Tally()
    if prepared.wrong:
        tally.red[f"{operation.name}:undisturbed"] = prepared.wrong
    points = [point for point in campaign.points(prepared) if extent.only in ("", str(point))]
    chosen = sampled(points, extent.most, operation.name)
    if extent.first:
        chosen.reverse()  # what is missing shows late, most of all after the answer
    for point in chosen:
        if extent.ends(tally):
            break
        verdict = campaign.judge(prepared, point)
        for _ in range(5 * operation.crowded):
            # which worker gets which batch, and so how many parts there are, is up to the system
            if not verdict.fired:
                verdict = campaign.judge(prepared, point)
        tally.add(f"{operation.name}:{point}", verdict.wrong, fired=verdict.fired, lost=verdict.lost)
    return tally


def _crowd() -> None:
    """So few files a batch that a handful takes worker processes, and is synced with its whole file system."""
    for module in ("mlver.hashing.measure", "mlver.storage.export"):
        sys.modules[module].BATCH_FILES = 2  # type: ignore[attr-defined]
    durable.SYNCFS_FROM = 2
