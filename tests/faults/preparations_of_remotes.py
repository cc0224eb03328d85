"""How repositories are before commands that send objects to a remote, or bring them from one.

The remote is a directory inside the repository's `.git`, and so is the forge, so that both are
copied along with it and lie on the disk that loses its power.
"""

from __future__ import annotations

import shutil

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


def prepare_fetching(place: WorkPlace) -> None:
    """The same, where only the first version has contents that are not here."""
    prepare_pulled(place)
    place.mlver("pull", "m@1.1.0", "--jobs", "1")
