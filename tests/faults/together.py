"""Two commands at once, one held up at each of its calls.

The result has to be that of some order of the two.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults import (
    ground,
    oracle,
    preparations,
    preparations_of_gc,
    preparations_of_remotes,
    preparations_of_targets,
)
from tests.faults.calls import CallFault
from tests.faults.campaign import CampaignExtent, CampaignTally
from tests.faults.ground import WorkPlace
from tests.faults.preparations_of_targets import DEPLOY
from tests.faults.run import ChildRun, run_child, run_in_process, start_child
from tests.faults.sampling import sample_points

DELAY_MS = 60
# Of commands that speak to a remote: seconds that pass before the second one begins.
_LONGER = 0.14
# So often each point is tried in the long run, each time with another head start.
_TIMES = 10


@dataclass(frozen=True, slots=True)
class CommandPair:
    name: str
    prepare: Callable[[WorkPlace], None]
    first: tuple[str, ...]
    second: tuple[str, ...]
    # Up to so many seconds: those in which the first one works, when it is not held up.
    head_start: float = 0.06


_REGISTER = ("register", "m", "--bump", "minor", "-m", "One more")
_SAME = ("register", "m", "--version", "3.0.0", "-m", "Mine")
_UP = ("promote", "m@1.1.0", "--to", "staging", "-m", "Try it")
_BACK = ("rollback", "m", "--stage", "production", "--to", "1.0.0", "--checkout", "-m", "Worse")
_DOWN = ("rollback", "m", "--stage", "production", "-m", "Worse")
_PULL = ("pull", "--all", "--jobs", "1")
_PUSH = ("push", "--jobs", "1")
_GC = ("gc", "--yes")
_OUT = ("checkout", "m@1.0.0", "--force")

PAIRS = (
    CommandPair("register+register", preparations.prepare_changed, _REGISTER, _REGISTER),
    CommandPair("same+same", preparations.prepare_changed, _SAME, _SAME),
    CommandPair("register+promote", preparations.prepare_staged, _REGISTER, _UP),
    CommandPair(
        "promote+promote",
        preparations.prepare_two_versions,
        _UP,
        ("promote", "m@1.0.0", "--to", "staging", "-m", "Mine"),
    ),
    CommandPair("rollback+promote", preparations.prepare_staged, _BACK, _UP),
    CommandPair(
        "checkout+register",
        preparations.prepare_staged,
        _OUT,
        _REGISTER,
    ),
    CommandPair("tag+register", preparations.prepare_unsealed, ("tag",), _REGISTER),
    CommandPair("pull+gc", preparations_of_gc.prepare_untidy, _PULL, _GC, _LONGER),
    CommandPair("pull+push", preparations_of_remotes.prepare_unsent_here, _PULL, _PUSH, _LONGER),
    CommandPair("push+pull", preparations_of_remotes.prepare_unsent_here, _PUSH, _PULL, _LONGER),
    CommandPair(
        "pull+register", preparations_of_remotes.prepare_changed_here, _PULL, _REGISTER, _LONGER
    ),
    CommandPair("fetching+gc", preparations_of_gc.prepare_untidy, _OUT, _GC, _LONGER),
    CommandPair("deploy+deploy", preparations_of_targets.prepare_moved, DEPLOY, DEPLOY),
    CommandPair("deploy+rollback", preparations_of_targets.prepare_moved, DEPLOY, _DOWN),
    CommandPair("init+init", lambda place: None, ("init",), ("init",)),
)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The exit codes are those of the first command and the second, whichever ran before."""

    facts: oracle.Facts
    codes: list[int | None]

    def list_differences(self, facts: oracle.Facts, codes: list[int | None]) -> list[str]:
        differences = oracle.list_differences(facts, self.facts)
        if codes != self.codes:
            differences.append(f"the exit codes are {codes}, not {self.codes}")
        return differences


class _PairArena:
    def __init__(self, pair: CommandPair, root: Path) -> None:
        self.pair = pair
        self._sound: set[str] = set()
        self.template = ground.new_place(root / pair.name)
        pair.prepare(self.template)
        self.work = root / f"{pair.name}.work"
        self.orders = [self._run_serially(0, 1), self._run_serially(1, 0)]
        recorded = run_child(self.copy_arena().path, pair.first)
        self.sites = dict(zip(recorded.calls, recorded.sites, strict=True))

    def copy_arena(self) -> WorkPlace:
        ground.clear_directory(self.work)
        return ground.copy_place(self.template.path, self.work, share=True)

    def _run_serially(self, *order: int) -> _Outcome:
        place = self.copy_arena()
        commands = (self.pair.first, self.pair.second)
        codes = {number: run_in_process(place.path, commands[number]).code for number in order}
        return _Outcome(oracle.collect_facts(place), [codes[0], codes[1]])

    def run_together(self, point: CallFault, pause: float) -> tuple[ChildRun, list[str]]:
        place = self.copy_arena()
        first = start_child(place.path, self.pair.first, point)
        time.sleep(pause)
        second = start_child(place.path, self.pair.second)
        ends = [first.wait_for_end(), second.wait_for_end()]
        now = oracle.collect_facts(place)
        wrong = [f"exited {end.code}: {end.err}" for end in ends if end.code not in (0, 1, 3)]
        codes = [end.code for end in ends]
        differences = [order.list_differences(now, codes) for order in self.orders]
        if all(differences):
            wrong += ["no order of the two explains it:", *min(differences, key=len)]
            wrong += [f"{end.code}: {end.out}{end.err}" for end in ends]
        wrong += oracle.list_leftovers(place)
        end = oracle.hash_place(place)
        if wrong or end not in self._sound:
            wrong += oracle.list_faults(place)
        if not wrong:
            self._sound.add(end)
        return ends[0], wrong


def judge_pair(pair: CommandPair, root: Path, extent: CampaignExtent) -> CampaignTally:
    arena = _PairArena(pair, root)
    tally = CampaignTally()
    seeded = random.Random(f"{pair.name}{extent.turn}")
    points = [CallFault(label, "delay", DELAY_MS) for label in arena.sites]
    points = [point for point in points if extent.only in ("", str(point))]
    tally.total = len(points)
    for number in range(min(_TIMES, extent.most // len(points) + 1)):
        turn = extent.turn + number
        for point in sample_points(points, extent.most, turn, lambda point: arena.sites[point.at]):
            if not extent.is_reached(tally):
                ended, wrong = arena.run_together(point, seeded.random() * pair.head_start)
                for _ in range(3):
                    # refused because the other was quicker, it never came to that call: let it have
                    # more of a start
                    if not ended.fired:
                        ended, wrong = arena.run_together(point, 0.15)
                tally.add_point(f"{pair.name}:{point}", wrong, fired=ended.fired)
    return tally
