"""The parts of all campaigns: an operation prepared, the faults it meets, and the judgement."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mlver.system import durable
from tests.faults import ground, oracle
from tests.faults.calls import CallFault
from tests.faults.ground import WorkPlace
from tests.faults.images import FaultImage, take_images
from tests.faults.operations import CampaignOperation
from tests.faults.oracle_of_remotes import ELSEWHERE, LATER
from tests.faults.run import ChildRun, run_child, run_in_process
from tests.faults.sampling import sample_points

_NUMBER = re.compile(r"\d+")
# Of the points that an image shows, every so many-th is tried for real as well.
REALLY_EVERY = 16


@dataclass(slots=True)
class CampaignTally:
    """What a campaign did: points tried, faults that came, what was lost, and all red points.

    `total` is how many points there are, tried or not; 0 where there is no end of them.
    `seconds` and `processor` (its seconds) are of all campaigns on the same subject.
    """

    points: int = 0
    total: int = 0
    fired: int = 0
    lost: int = 0
    seconds: float = 0.0
    processor: float = 0.0
    red: dict[str, list[str]] = field(default_factory=dict)

    def add_point(self, name: str, faults: list[str], *, fired: bool, lost: bool = False) -> None:
        self.points += 1
        self.fired += fired
        self.lost += lost
        if not fired:
            faults = [*faults, "the fault never came"]
        if faults:
            self.red[name] = faults


@dataclass(frozen=True, slots=True)
class PointVerdict:
    """What came of one point."""

    fired: bool
    lost: bool
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class LeftState:
    """A repository after a fault; `told`: the command had answered before that."""

    place: WorkPlace
    told: bool
    fired: bool
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FaultCampaign:
    """Every fault an operation may meet here, and what becomes of it with one of them.

    `imaged`: what each leaves is what one undisturbed run has on the disk at that moment.
    """

    points: Callable[[OperationSweep], list[CallFault]]
    judge: Callable[[OperationSweep, CallFault], PointVerdict]
    imaged: bool = False


class OperationSweep:
    """One operation, its repository before and after an undisturbed run, and the calls that run
    makes.
    """

    def __init__(self, operation: CampaignOperation, root: Path) -> None:
        self.operation = operation
        self.expected = ("unsealed",) if operation.unsealed else ()
        self.root = root
        self._state_home = root / f"{operation.name}.state"
        # Of a keyless one every run has its own key, which is gone with its place.
        os.environ.pop("XDG_STATE_HOME", None)
        if operation.keyless:
            os.environ["XDG_STATE_HOME"] = os.fspath(self._state_home)
        self.template = ground.prepare_place(root / operation.name, operation.prepare)
        self.start = self.old = oracle.collect_facts(self.template)
        if operation.begun is not None:
            before = ground.prepare_place(root / f"{operation.name}.begun", operation.begun)
            self.old = oracle.collect_facts(before)
        place = self.copy_place()
        done = self.run_operation(place)
        assert done.code in operation.again, f"{operation.name} exited {done.code}: {done.err}"
        self.calls = done.calls
        self._sites = dict(zip(done.calls, done.sites, strict=True))
        self.new = oracle.collect_facts(place)
        self.wrong = oracle.list_leftovers(place, killed=0)
        self.wrong += oracle.list_faults(place, *self.expected)
        self.wrong += oracle.list_taken(place, self.start, self.new, deletes=operation.deletes)
        again = self.run_operation(place)
        if again.code not in operation.again or oracle.list_differences(
            oracle.collect_facts(place), self.new
        ):
            self.wrong.append(f"the same command again exited {again.code}: {again.err}{again.out}")
        ground.clear_directory(place.path)
        self._judged: set[str] = set()
        self._sound: set[str] = set()
        self._images: dict[str, FaultImage] = {}
        self._really: set[str] = set()

    def find_kind(self, point: CallFault) -> tuple[object, ...]:
        """What a point has in common with those of the same place in mlver."""
        name = point.at.partition("#")[0]
        detail = _NUMBER.sub("", point.detail)
        return (self._sites.get(point.at), name, point.how, point.code, detail)

    def copy_place(self) -> WorkPlace:
        """A fresh copy to work on; the last one goes."""
        where = self.root / f"{self.operation.name}.work"
        ground.clear_directory(where)
        self.forget_key()
        return ground.copy_place(self.template.path, where, share=True)

    def take_images(self, points: list[CallFault], turn: int) -> None:
        """See in one run what all of these faults leave; each turn tries others for real too."""
        self._images, self._really = {}, set()
        # workers share the calls out as the system likes, and a key is outside the repository
        # An image knows that something was told, and not what.
        is_imaged = not (self.operation.crowded or self.operation.keyless or self.operation.told)
        if is_imaged:
            place = self.copy_place()
            self._images = take_images(self.template, place, self.operation.argv, points)
            self._really = set(map(str, points[turn % REALLY_EVERY :: REALLY_EVERY]))

    def leave_state(
        self, point: CallFault, really: Callable[[], tuple[WorkPlace, ChildRun]]
    ) -> LeftState:
        """What a fault leaves: as its image shows, or `really`, which has to show the same."""
        image = self._images.get(str(point))
        if image is not None and str(point) not in self._really:
            # Where the run was: a person's agreement to follow links holds for that place alone.
            where = self.root / f"{self.operation.name}.work"
            ground.clear_directory(where)
            ground.copy_place(image.path, where, share=True)
            return LeftState(WorkPlace(where), told=image.told, fired=True)
        place, done = really()
        left = LeftState(place, told=done.is_acknowledged(self.operation.told), fired=done.fired)
        # half of an intent may end a byte later, with the longer number of its process
        if image is not None and point.how != "torn" and oracle.hash_place(place) != image.state:
            left.wrong.append("it left another state than an undisturbed run has there")
        return left

    def is_judged(self, point: CallFault, *, settle_first: bool) -> bool:
        """Whether the state that its image shows was judged already, and found right."""
        image = self._images.get(str(point))
        if image is None or image.told or str(point) in self._really:
            return False
        return self._name_state(image.state, settle_first=settle_first) in self._judged

    def _name_state(self, state: str, *, settle_first: bool) -> str:
        return f"{settle_first}{self._state_home.exists()}{state}"

    def forget_key(self) -> None:
        """Take away the key that a run before made: the next one makes the same calls again."""
        ground.clear_directory(self._state_home)

    def list_losses(self, place: WorkPlace, *, cut: bool = False) -> list[str]:
        """What mlver said is done, and is not.

        A plan that is still pending would be carried out once more. `cut`: the power was cut, which
        the forge would have noticed itself.
        """
        pending = (
            ["the plan is still pending"]
            if (place.mlver_directory / "intent.json").exists()
            else []
        )
        lost = oracle.list_differences(oracle.collect_facts(place), self.new) + pending
        return [fault for fault in lost if not (cut and fault.startswith(ELSEWHERE))]

    def run_operation(self, place: WorkPlace, fault: CallFault | None = None) -> ChildRun:
        setup = _shrink_batches if self.operation.crowded else None
        return run_child(place.path, self.operation.argv, fault or CallFault("", "record"), setup)

    def judge_place(
        self, place: WorkPlace, *, settle_first: bool, afresh: bool = False
    ) -> list[str]:
        """All that is wrong with an interrupted repository, and with what becomes of it."""
        state = self._name_state(oracle.hash_place(place), settle_first=settle_first)
        if state in self._judged and not afresh:
            return []
        wrong = oracle.list_torn(oracle.collect_facts(place), self.new, self.old, self.start)
        if settle_first:
            wrong += oracle.recover_place(place)
            wrong += [left for left in oracle.list_leftovers(place) if not left.startswith(LATER)]
            now = oracle.collect_facts(place)
            wrong += oracle.list_torn(now, self.new, self.old)
            if not self.operation.piecemeal:
                wrong += oracle.list_mixed(now, self.old, self.new)
        wrong += self.finish_operation(place, afresh=afresh)
        if not wrong:
            self._judged.add(state)
        return wrong

    def finish_operation(
        self, place: WorkPlace, *, afresh: bool = False, kept: bool = False
    ) -> list[str]:
        """Run the command again, normally: now everything is as if nothing had ever happened.

        `kept`: the system would not let a temporary go, so one may be left.
        """
        state = oracle.hash_place(place)
        if state in self._judged and not afresh:
            return []
        # workers are forked in a child alone
        again = (
            self.run_operation(place)
            if self.operation.crowded
            else run_in_process(place.path, self.operation.argv)
        )
        wrong = []
        if again.code not in self.operation.again:
            wrong.append(f"run again, it exited {again.code}: {again.err}{again.out}")
        wrong += oracle.list_differences(oracle.collect_facts(place), self.new) + (
            [] if kept else oracle.list_leftovers(place)
        )
        end = oracle.hash_place(place)
        # the hash is of every byte that git and mlver can find fault with, wherever they lie
        if end not in self._sound:
            wrong += oracle.list_faults(place, *self.expected)
            wrong += oracle.recover_place(place)
            if oracle.hash_place(place) != end:
                wrong.append("a second recovery changed something")
        if not wrong:
            self._sound.add(end)
            self._judged.add(state)
        return wrong


@dataclass(frozen=True, slots=True)
class CampaignExtent:
    """How far a campaign goes.

    It tries a number of points at most, or `only` one, or ends at the `first` red one. `turn` says
    which points they are, where there are more.
    """

    most: int = sys.maxsize
    only: str = ""
    first: bool = False
    turn: int = 0

    def is_reached(self, tally: CampaignTally) -> bool:
        return tally.points >= self.most or (self.first and bool(tally.red))


def sweep_operation(
    campaign: FaultCampaign, prepared: OperationSweep, extent: CampaignExtent
) -> CampaignTally:
    """One campaign on one operation."""
    operation = prepared.operation
    tally = CampaignTally()
    if prepared.wrong:
        tally.red[f"{operation.name}:undisturbed"] = prepared.wrong
    points = [point for point in campaign.points(prepared) if extent.only in ("", str(point))]
    tally.total = len(points)
    chosen = sample_points(points, extent.most, extent.turn, prepared.find_kind)
    if campaign.imaged and not extent.only:
        prepared.take_images(chosen, extent.turn)
    if extent.first:
        chosen.reverse()  # what is missing shows late, most of all after the answer
    for point in chosen:
        if extent.is_reached(tally):
            break
        verdict = campaign.judge(prepared, point)
        for _ in range(5 * operation.crowded):
            # which worker gets which batch, and so how many parts there are, is up to the system
            if not verdict.fired:
                verdict = campaign.judge(prepared, point)
        tally.add_point(
            f"{operation.name}:{point}", verdict.wrong, fired=verdict.fired, lost=verdict.lost
        )
    return tally


def _shrink_batches() -> None:
    """So few files a batch that a handful takes worker processes, and is synced with its whole file
    system.
    """
    for module in ("mlver.hashing.measure", "mlver.storage.local.export"):
        sys.modules[module].BATCH_FILES = 2  # type: ignore[attr-defined]
    durable.SYNCFS_FROM = 2
