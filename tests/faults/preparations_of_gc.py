"""How repositories are before gc: with contents that nobody needs, in service and in the trash."""

from __future__ import annotations

import os
import time

from tests.faults.ground import WorkPlace
from tests.faults.preparations import (
    FIRST,
    LARGE,
    NEXT,
    make_weights,
    prepare_born,
    prepare_registered,
)
from tests.faults.preparations_of_remotes import change_all_files, prepare_pulled
from tests.storage.local.series import nudge, write_checkpoint


def prepare_untidy(place: WorkPlace) -> None:
    """A remote that alone has all versions, and a store with one that nothing leads to any more."""
    prepare_pulled(place)
    place.git("checkout", "--quiet", "-b", "try")
    change_all_files(place)
    place.mlver("register", "m", "--version", "9.0.0", "-m", "Try")
    place.git("checkout", "--quiet", "--force", "-")
    _forget_version(place)
    _age_store(place)


def prepare_unneeded(place: WorkPlace) -> None:
    """A version that nothing leads to any more, stored long ago, with a large file and small ones.

    Of the pack with the small ones, one is needed by another version. Something in the trash is
    needed again.
    """
    prepare_registered(place)
    place.git("checkout", "--quiet", "-b", "try")
    place.write("big.bin", make_weights(4, LARGE))
    for number in range(6):
        place.write(f"data/{number}.txt", f"other row {number}\n" * 200)
    place.mlver("register", "m", "--version", "9.0.0", "-m", "Try", "--data", "big=big.bin")
    place.git("checkout", "--quiet", "--force", "-")
    place.mlver("checkout", "m@1.0.0", "--force")
    place.write("model.bin", "other row 5\n" * 200)
    place.mlver(*NEXT, "--allow-lower")
    _forget_version(place)
    _age_store(place)


def _forget_version(place: WorkPlace) -> None:
    place.git("branch", "--quiet", "-D", "try")
    place.git("tag", "--delete", "m@v9.0.0")
    place.git("update-ref", "-d", "refs/mlver/code/m/9.0.0")
    place.git("reflog", "expire", "--expire=now", "--all")


def _age_store(place: WorkPlace) -> None:
    """Let what is stored be twenty days old."""
    moment = time.time() - 20 * 24 * 3600
    for folder in ("objects", "packs"):
        for path in (place.mlver_directory / folder).rglob("*"):
            if path.is_file():
                os.utime(path, (moment, moment))


def prepare_old_trash(place: WorkPlace) -> None:
    """The same after gc, which was so long ago that the trash goes now."""
    prepare_unneeded(place)
    place.mlver("gc", "--yes")
    (moment,) = (place.mlver_directory / "trash").iterdir()
    moment.rename(moment.with_name("20200102T030405Z"))


def prepare_trashed(place: WorkPlace) -> None:
    """The same after gc, with the version that it was for back on a branch."""
    prepare_unneeded(place)
    tip = place.git("fsck", "--unreachable", "--no-reflogs").split("unreachable commit ")[1][:40]
    place.mlver("gc", "--yes")
    place.git("branch", "again", tip)


def prepare_old_series(place: WorkPlace) -> None:
    """A series that an old gc has put into parts, with one checkpoint more.

    What it replaced goes for good now, and so does a version that nothing leads to.
    """
    prepare_unneeded(place)
    tensor = make_weights(4, 4 * LARGE)
    for number in (2, 3):
        _register_checkpoint(place, nudge(tensor, number), f"{number}.0.0")
    place.mlver("gc", "--yes")
    (moment,) = (place.mlver_directory / "trash").iterdir()
    moment.rename(moment.with_name("20200102T030405Z"))
    _register_checkpoint(place, nudge(tensor, 4), "4.0.0")


def _register_checkpoint(place: WorkPlace, tensor: bytes, version: str) -> None:
    place.write("model.bin", write_checkpoint({"layer": tensor}))
    place.mlver("register", "m", "--version", version, "-m", "Trained on")


def prepare_series(place: WorkPlace) -> None:
    """Two checkpoints: of the tensor that both have, all values changed a little."""
    prepare_born(place)
    tensor = make_weights(4, 4 * LARGE)
    place.write("model.bin", write_checkpoint({"layer": tensor}))
    place.mlver(*FIRST)
    place.write("model.bin", write_checkpoint({"layer": nudge(tensor)}))
    place.mlver(*NEXT)
