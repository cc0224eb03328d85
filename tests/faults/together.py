"""Two commands at once, one held up at each of its calls: what comes of it is what some order of the two gives."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults import ground, operations, oracle
from tests.faults.calls import Fault
from tests.faults.campaign import Extent, Tally, sampled
from tests.faults.ground import Place
from tests.faults.run import Run, here, run, start

DELAY_MS = 60
# So often each point is tried in the long run, each time with another head start.
_TIMES = 10


@dataclass(frozen=True, slots=True)
class Pair:
    name: str
    prepare: Callable[[Place], None]
    first: tuple[str, ...]
    second: tuple[str, ...]


_REGISTER = ("register", "m", "--bump", "minor", "-m", "One more")
_SAME = ("register", "m", "--version", "3.0.0", "-m", "Mine")
_UP = ("promote", "m@1.1.0", "--to", "staging", "-m", "Try it")
_BACK = ("rollback", "m", "--stage", "production", "--to", "1.0.0", "--checkout", "-m", "Worse")

PAIRS = (
    Pair("register+register", operations.changed, _REGISTER, _REGISTER),
    Pair("same+same", operations.changed, _SAME, _SAME),
    Pair("register+promote", operations.staged, _REGISTER, _UP),
    Pair("promote+promote", operations.two, _UP, ("promote", "m@1.0.0", "--to", "staging", "-m", "Mine")),
    Pair("rollback+promote", operations.staged, _BACK, _UP),
    Pair("checkout+register", operations.staged, ("checkout", "m@1.0.0", "--force"), _REGISTER),
    Pair("tag+register", operations.unsealed, ("tag",), _REGISTER),
    Pair("init+init", lambda place: None, ("init",), ("init",)),
)


class _Arena:
    def __init__(self, pair: Pair, root: Path) -> None:
        self.pair = pair
        self.template = ground.new(root / pair.name)
        pair.prepare(self.template)
        self.work = root / f"{pair.name}.work"
        self.orders = [self._serial(pair.first, pair.second), self._serial(pair.second, pair.first)]
        self.calls = run(self.copy().path, pair.first).calls

    def copy(self) -> Place:
        ground.clear(self.work)
        return ground.copy(self.template.path, self.work)

    def _serial(self, *commands: tuple[str, ...]) -> dict[str, str]:
        place = self.copy()
        for argv in commands:
            here(place.path, argv)
        return oracle.facts(place)

    def fight(self, point: Fault, pause: float) -> tuple[Run, list[str]]:
        place = self.copy()
        first = start(place.path, self.pair.first, point)
        time.sleep(pause)
        second = start(place.path, self.pair.second)
        ends = [first.wait(), second.wait()]
        now = oracle.facts(place)
        wrong = [f"exited {end.code}: {end.err}" for end in ends if end.code not in (0, 1, 3)]
        differences = [oracle.unlike(now, order) for order in self.orders]
        if all(differences):
            wrong += ["no order of the two explains it:", *min(differences, key=len)]
            wrong += [f"{end.code}: {end.out}{end.err}" for end in ends]
        return ends[0], [*wrong, *oracle.leftovers(place), *oracle.unsound(place)]


def together(pair: Pair, root: Path, extent: Extent) -> Tally:
    arena = _Arena(pair, root)
    tally = Tally()
    seeded = random.Random(pair.name)
    points = [Fault(label, "delay", DELAY_MS) for label in arena.calls]
    points = [point for point in points if extent.only in ("", str(point))]
    for number in range(min(_TIMES, extent.most // len(points) + 1)):
        for point in sampled(points, extent.most, f"{pair.name}{number}"):
            if not extent.ends(tally):
                ended, wrong = arena.fight(point, seeded.random() * 0.06)
                for _ in range(3):
                    # refused because the other was quicker, it never came to that call: let it have more of a start
                    if not ended.fired:
                        ended, wrong = arena.fight(point, 0.15)
                tally.add(f"{pair.name}:{point}", wrong, fired=ended.fired)
    return tally
