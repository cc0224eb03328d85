"""How repositories are before commands that send objects to a remote, or bring them from one.

The remote is a directory inside the repository's `.git`, and so is the forge, so that both are
copied along with it and lie on the disk that loses its power.
"""

from __future__ import annotations

import os
import shutil
import time

from tests.faults.disk import FORGE
from tests.faults.ground import WorkPlace
from tests.faults.preparations import FIRST, LARGE, NEXT, make_weights

BUCKET = ".git/bucket"
# What is large on a remote in a campaign: a content of more bytes than a part is sent in parts, one
# of fewer bytes than a small one in a pack, and any other as an object.
PART = LARGE + 1_000
SMALL = LARGE
_SETTINGS = "remotes:\n  store:\n    url: /proc/self/cwd/.git/bucket\n"


def prepare_unpushed(place: WorkPlace) -> None:
    """Two versions, an empty remote and a forge that has nothing.

    There are contents for a pack, for objects and for parts. One is in both versions.
    """
    place.mlver("init")
    # Wherever a place is copied to, commands begin there.
    config = place.path / ".mlver/config.yaml"
    place.write(".mlver/config.yaml", f"{config.read_text().rstrip()}\n{_SETTINGS}")
    place.write(".gitignore", "/model.bin\n/data/\n")
    place.write("model.bin", make_weights(1, 2 * PART + 5))
    place.write("data/0.txt", "row 0\n" * 20)
    place.write("data/middle.bin", make_weights(2, SMALL + 5))
    place.commit("First")
    place.mlver(*FIRST)
    place.write("model.bin", make_weights(3, 2 * PART + 7))
    place.write("data/1.txt", "another row\n" * 30)
    place.mlver(*NEXT)
    place.git("init", "--quiet", "--bare", FORGE)
    # It is another machine, which looks after itself.
    place.git("--git-dir", FORGE, "config", "core.fsync", "all")
    place.git("--git-dir", FORGE, "config", "core.fsyncMethod", "fsync")
    place.git("remote", "add", "origin", FORGE)
    place.write(f"{BUCKET}/.mlver-store", "")


def prepare_pulled(place: WorkPlace) -> None:
    """The same after a push, without any object here: the remote alone has them."""
    prepare_unpushed(place)
    place.mlver("push", "--jobs", "1")
    for folder in ("objects", "packs"):
        shutil.rmtree(place.mlver_directory / folder)


def prepare_unsent_here(place: WorkPlace) -> None:
    """The same, with a version that only this clone has."""
    prepare_pulled(place)
    change_all_files(place)
    place.mlver("register", "m", "--version", "1.2.0", "-m", "Third")


def prepare_changed_here(place: WorkPlace) -> None:
    """The same, with new weights and data in the work tree."""
    prepare_pulled(place)
    change_all_files(place)


def _change_files(place: WorkPlace) -> None:
    """New contents for parts, an object and a pack."""
    place.write("model.bin", make_weights(5, 2 * PART + 9))
    place.write("data/middle.bin", make_weights(6, SMALL + 7))
    place.write("data/2.txt", "a third row\n" * 30)


def change_all_files(place: WorkPlace) -> None:
    """Files of which no version has any."""
    _change_files(place)
    for number in range(2):
        place.write(f"data/{number}.txt", f"new row {number}\n" * 30)


def prepare_unsent_runs(place: WorkPlace) -> None:
    """A run that only this clone has, beside a forge that has all of HEAD."""
    prepare_unpushed(place)
    place.mlver("push", "--jobs", "1")
    place.mlver("run", "m", "--", "true")


def prepare_unfetched_runs(place: WorkPlace) -> None:
    """The same after a push of the run, which is no longer here."""
    prepare_unsent_runs(place)
    place.mlver("push", "--runs")
    for name in place.git("for-each-ref", "--format=%(refname)", "refs/mlver/runs").split():
        place.git("update-ref", "-d", name)
    place.git("prune", "--expire=now")


def prepare_fetching(place: WorkPlace) -> None:
    """The same, where only the first version has contents that are not here."""
    prepare_pulled(place)
    place.mlver("pull", "m@1.1.0", "--jobs", "1")


def prepare_promoted_there(place: WorkPlace) -> None:
    """A stage that went from the first version to the second, and contents on the remote alone."""
    prepare_unpushed(place)
    for version in ("1.0.0", "1.1.0"):
        place.mlver("promote", f"m@{version}", "--to", "production", "--force", "-m", "Go")
    place.mlver("push", "--jobs", "1")
    for folder in ("objects", "packs"):
        shutil.rmtree(place.mlver_directory / folder)


def prepare_unneeded_there(place: WorkPlace) -> None:
    """A remote with a version that nothing leads to any more, stored long ago.

    It has contents in parts, in an object and in a pack. A version that is needed has one of its
    small contents, too. No other repository shares the remote.
    """
    prepare_unpushed(place)
    place.mlver("push", "--jobs", "1")
    place.git("checkout", "--quiet", "-b", "try")
    _change_files(place)
    place.mlver("register", "m", "--version", "9.0.0", "-m", "Try")
    place.mlver("push", "--objects", "--jobs", "1")
    place.git("checkout", "--quiet", "--force", "-")
    place.mlver("checkout", "m@1.1.0", "--force")
    place.git("branch", "--quiet", "-D", "try")
    place.git("tag", "--delete", "m@v9.0.0")
    place.git("update-ref", "-d", "refs/mlver/code/m/9.0.0")
    place.git("reflog", "expire", "--expire=now", "--all")
    # A path that it was told would not hold in a copy.
    shutil.rmtree(place.path / BUCKET / "repositories")
    _age_remote(place, 40)


def prepare_condemned(place: WorkPlace) -> None:
    """The same after a gc, whose grace time is over."""
    prepare_unneeded_there(place)
    place.mlver("gc", "--remote", "store", "--yes")
    _age_remote(place, 20)
    for folder in ("objects", "packs", "parts", "recipes"):
        _age_remote(place, 40, folder)


def _age_remote(place: WorkPlace, days: int, folder: str = "") -> None:
    """Let what is stored on the remote be so many days old."""
    moment = time.time() - days * 24 * 3600
    for path in (place.path / BUCKET / folder).rglob("*"):
        if path.is_file():
            os.utime(path, (moment, moment))
