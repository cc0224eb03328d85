"""A real power cut, on ext4 and xfs.

A loop device goes down without flushing; it is mounted again, and the repository judged.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from mlver.system import state
from tests.faults import ground
from tests.faults.calls import CallFault, shut_down_mount
from tests.faults.campaign import FaultCampaign, OperationSweep, PointVerdict
from tests.faults.disk import FORGE
from tests.faults.ground import WorkPlace

# The smallest each makes willingly; the files are sparse.
_MAKE = {
    "ext4": (32, ("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,nodiscard")),
    "xfs": (320, ("mkfs.xfs", "-q", "-f", "-K")),
}


def why_no_power_cut() -> str:
    """Why there can be no power cut here; empty where there can."""
    if os.geteuid() != 0:
        return "needs root, for loop devices"
    if not Path("/dev/loop-control").exists():
        return "needs loop devices"
    return "" if list_file_systems() else "needs mkfs.ext4 or mkfs.xfs, and the file system"


def list_file_systems() -> list[str]:
    known = Path("/proc/filesystems").read_text().split()
    return [kind for kind, (_, make) in _MAKE.items() if kind in known and shutil.which(make[0])]


def list_power_points(sweep: OperationSweep) -> list[CallFault]:
    """At each call, and right after the answer, which counts more than any other.

    Every third point is that one.
    """
    found = []
    for number, label in enumerate(sweep.calls):
        found.append(CallFault(label, "power"))
        if number % 2:
            found.append(CallFault("end", "power", detail=f"-{number}"))
    return [
        replace(point, detail=f"{kind}{point.detail}")
        for point in found
        for kind in list_file_systems()
    ]


def judge_power_cut(sweep: OperationSweep, point: CallFault) -> PointVerdict:
    """Cut the power at a call, or at the last of its kind where this file system needs fewer.

    The calls were counted on another one, and one that clones files writes less.
    """
    verdict, calls = _cut_power(sweep, point)
    if verdict.fired:
        return verdict
    name = point.at.partition("#")[0]
    alike = [call for call in calls if call.partition("#")[0] == name]
    return _cut_power(sweep, replace(point, at=alike[-1] if alike else "end"))[0]


def _cut_power(sweep: OperationSweep, point: CallFault) -> tuple[PointVerdict, tuple[str, ...]]:
    """What became of it, and the calls that the operation made."""
    kind = point.detail.partition("-")[0]
    image = sweep.root / f"{sweep.operation.name}.image"
    mount = sweep.root / f"{sweep.operation.name}.mount"
    sweep.forget_key()
    base = _make_base_image(sweep, kind, mount)
    subprocess.run(["cp", "--sparse=always", base, image], check=True)
    with mount_image(image, mount):
        place = WorkPlace(mount / "work")
        done = sweep.run_operation(place, replace(point, place=str(mount)))
        if point.at == "end":
            shut_down_mount(mount)
    with mount_image(image, mount):
        for left in (place.path / FORGE).rglob("*.lock"):
            left.unlink()  # whoever keeps the forge does so
        is_told = done.is_acknowledged(sweep.operation.told)
        lost = sweep.list_losses(place, cut=True) if is_told else []
        wrong = sweep.judge_place(place, settle_first=len(point.at) % 2 == 0, afresh=True)
    image.unlink()
    return PointVerdict(done.fired, bool(lost), [*lost, *wrong]), done.calls


def _make_base_image(sweep: OperationSweep, kind: str, mount: Path) -> Path:
    """An image of the file system with the repository on it, made once."""
    path = sweep.root / f"{sweep.operation.name}.{kind}"
    if not path.exists():
        make_file_system(kind, path)
        with mount_image(path, mount):
            ground.copy_place(sweep.template.path, mount / "work")
    return path


def make_file_system(kind: str, path: Path) -> None:
    megabytes, command = _MAKE[kind]
    with path.open("wb") as image:
        image.truncate(megabytes << 20)
    subprocess.run([*command, path], check=True, capture_output=True)


@contextmanager
def mount_image(image: Path, mount: Path) -> Iterator[None]:
    mount.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    try:
        yield
    finally:
        state.close_all()  # a cache that this process opened there
        subprocess.run(["umount", mount], check=True)


POWER = FaultCampaign(list_power_points, judge_power_cut)
