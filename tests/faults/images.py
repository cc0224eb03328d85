"""What faults leave on the disk at many calls, copied while one undisturbed run goes past them.

A kill ends a process between two of its calls, and a power cut leaves what was synced by then: what
is on the disk at that moment is the same, whether the run goes on or not. So one run stands for as
many faults as it has calls. Some of the points are tried for real as well, and have to leave the
very state of their image.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults import ground, oracle
from tests.faults.calls import NO_FAULT, CallFault, CallTap
from tests.faults.disk import DurableDisk
from tests.faults.ground import WorkPlace
from tests.faults.run import run_child
from tests.faults.written import cut_data, halve_data

_UNSYNCED = ("unsynced", "unwritten")
_LIST = "list.json"


@dataclass(frozen=True, slots=True)
class FaultImage:
    """A copy of what a fault leaves, and the hash of all that matters in it.

    `told`: the command had said something by then.
    """

    state: str
    path: Path
    told: bool


def take_images(
    template: WorkPlace, place: WorkPlace, argv: tuple[str, ...], points: Sequence[CallFault]
) -> dict[str, FaultImage]:
    """Run the command in `place`, a copy of `template`, and keep each of the states in a folder.

    The folder lies beside it; equal states are kept once.
    """
    folder = place.path.with_suffix(".images")
    ground.clear_directory(folder)
    folder.mkdir()
    tap = _ImagingTap(points, folder, list_shared_files(template.path))
    done = run_child(place.path, argv, tap=tap)
    listed = folder / _LIST
    assert listed.exists(), f"the run that was to be copied ended: {done.err}"
    found = json.loads(listed.read_text())
    return {point: FaultImage(state, folder / state, told) for point, state, told in found}


def list_shared_files(top: Path) -> frozenset[int]:
    """The inodes of what nothing ever writes into: files that were read-only before the run."""
    paths = [path for path in top.rglob("*") if path.is_file() and not path.is_symlink()]
    return frozenset(path.stat().st_ino for path in paths if ground.is_read_only(path.stat()))


class _ImagingTap(CallTap):
    """Copies the working directory at the chosen points, and lets every call be made."""

    def __init__(self, points: Iterable[CallFault], folder: Path, shared: frozenset[int]) -> None:
        super().__init__(NO_FAULT)
        self._wanted: dict[str, list[CallFault]] = defaultdict(list)
        for point in points:
            self._wanted[point.at].append(point)
        self._folder = folder
        self._shared = shared
        self._found: list[tuple[str, str, bool]] = []

    def install_tap(self) -> None:
        if any(point.how in _UNSYNCED for wanted in self._wanted.values() for point in wanted):
            self._disk = DurableDisk(Path.cwd())
        super().install_tap()

    def end_answer(self) -> None:
        self._take_images("end", *_UNSYNCED)
        with self._unobserved():
            (self._folder / _LIST).write_text(json.dumps(self._found))

    def _make_call(
        self, label: str, real: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]
    ) -> Any:
        self._take_images(label, "before", *_UNSYNCED)
        try:
            if any(point.how == "torn" for point in self._wanted.get(label, ())):
                return self._make_halves(label, real, args)
            return super()._make_call(label, real, args, options)
        finally:
            self._take_images(label, "after")

    def _make_halves(self, label: str, real: Callable[..., Any], args: tuple[Any, ...]) -> int:
        name = label.partition("#")[0]
        written = int(real(*halve_data(name, args)))
        self._take_images(label, "torn")
        return written + int(real(*cut_data(name, args, written)))

    def _take_images(self, label: str, *hows: str) -> None:
        for point in self._wanted.get(label, ()):
            if point.how in hows:
                with self._unobserved():
                    self._take_image(point)

    def _take_image(self, point: CallFault) -> None:
        if self._disk is None:
            left = WorkPlace(Path.cwd())
        else:
            left = WorkPlace(self._folder / "left")
            self._disk.dump_to(left.path, names=point.how == "unwritten")
        state = oracle.hash_place(left)
        target = self._folder / state
        if not target.exists():
            ground.copy_place(left.path, target, share=True, only=self._shared)
        if self._disk is not None:
            ground.clear_directory(left.path)
        self._found.append((str(point), state, point.at == "end" or os.fstat(1).st_size > 0))

    @contextmanager
    def _unobserved(self) -> Iterator[None]:
        """Our own calls are none of the command's."""
        before, self._asking = self._asking, True
        try:
            yield
        finally:
            self._asking = before
