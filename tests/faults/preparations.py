"""How repositories are before the commands under test: each function prepares one."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.faults.ground import WorkPlace

# What is large in a campaign: a file that is hashed and copied a thousand times must not be what
# mlver calls large.
LARGE = 1 << 15


def make_weights(number: int, size: int = 3_000) -> bytes:
    """The weights of a version: seeded, and different all through."""
    unit = bytes((index * 31 + number * 7) % 251 for index in range(251))
    return (b"weights %d\n" % number + unit * (size // 251 + 1))[:size]


def prepare_unborn(place: WorkPlace) -> None:
    place.mlver("init")
    place.write(".gitignore", "/model.bin\n/data/\n/big.bin\n")
    place.write("model.bin", make_weights(1))
    for number in range(3):
        place.write(f"data/{number}.txt", f"row {number}\n" * 20)


def prepare_born(place: WorkPlace) -> None:
    prepare_unborn(place)
    place.write("train.py", "print('training')\n")
    place.commit("First")


FIRST = (
    "register",
    "m",
    "--weights",
    "model.bin",
    "--data",
    "train=data",
    "--version",
    "1.0.0",
    "-m",
    "First",
)
NEXT = ("register", "m", "--version", "1.1.0", "-m", "Second")


def prepare_registered(place: WorkPlace) -> None:
    prepare_born(place)
    place.mlver(*FIRST)


def prepare_trained(place: WorkPlace) -> None:
    """One version registered, with the command that makes its weights of its data."""
    prepare_born(place)
    place.write("train.sh", "cat data/*.txt > model.bin\n")
    place.write("env/pyvenv.cfg", "version = 3.11.7\n")
    place.write("env/lib/python3.11/site-packages/README", "nothing\n")
    rows = sorted((place.path / "data").glob("*.txt"))
    place.write("model.bin", b"".join(path.read_bytes() for path in rows))
    place.commit("Train")
    place.mlver(*FIRST, "--command", "sh train.sh")


def prepare_exam(place: WorkPlace) -> None:
    """One version registered, and a data set pinned to measure it on."""
    prepare_registered(place)
    rows = "row\n" * 500
    place.write("golden.csv", rows)
    digest = hashlib.sha256(rows.encode()).hexdigest()
    with (place.path / ".mlver/config.yaml").open("a") as settings:
        settings.write(f'datasets:\n  golden: {{path: golden.csv, digest: "sha256:{digest}"}}\n')
    place.commit("Pin")


def prepare_uncommitted(place: WorkPlace) -> None:
    """One version registered, and code that is not committed yet."""
    prepare_registered(place)
    place.write("train.py", "print('another training')\n")


def prepare_changed(place: WorkPlace) -> None:
    """One version registered, and new weights and data in the work tree."""
    prepare_registered(place)
    _change_files(place)


def _change_files(place: WorkPlace) -> None:
    place.write("model.bin", make_weights(2))
    place.write("data/1.txt", "another row\n" * 30)
    (place.path / "data/2.txt").unlink()
    place.write("data/deep/er/3.txt", "row 3\n")


def prepare_cached(place: WorkPlace) -> None:
    """Like `prepare_changed`, with large weights and a cache that other checkouts share."""
    prepare_registered(place)
    # Wherever a place is copied to, commands begin there.
    place.git("config", "mlver.cache", "/proc/self/cwd/.git/shared")
    _change_files(place)
    place.write("model.bin", make_weights(2, LARGE + 5))


def prepare_only_cached(place: WorkPlace) -> None:
    """Two versions registered; what is new in the second is in the shared cache alone."""
    prepare_cached(place)
    before = _list_stored(place)
    place.mlver(*NEXT)
    for path in _list_stored(place) - before:
        path.unlink()
    (place.path / "model.bin").unlink()


def _list_stored(place: WorkPlace) -> set[Path]:
    folders = ("objects", "packs")
    files = [path for name in folders for path in (place.mlver_directory / name).rglob("*")]
    return {path for path in files if path.is_file()}


def prepare_lost(place: WorkPlace) -> None:
    """One version registered; its stored copies are gone, and its working files are still here."""
    prepare_registered(place)
    for folder in ("objects", "packs"):
        shutil.rmtree(place.mlver_directory / folder, ignore_errors=True)


def prepare_damaged(kind: str, place: WorkPlace) -> None:
    """One version registered, and its stored copies of a kind (`objects`, or `*` for all) damaged
    in the meantime.
    """
    prepare_born(place)
    place.write("model.bin", make_weights(3, LARGE + 5))
    place.mlver(*FIRST)
    # a cache that cannot be used: what it knows is not hashed again, nor compared with what is
    # stored
    (place.mlver_directory / "state.db").unlink()
    (place.mlver_directory / "state.db").mkdir()
    stored = [
        path
        for path in place.mlver_directory.glob(f"{kind}/**/*")
        if path.is_file() and path.suffix != ".idx"
    ]
    for path in stored:
        data = bytearray(path.read_bytes())
        for at in range(512, len(data), 512):
            data[at] ^= any(data[at : at + 512])
        path.chmod(0o644)
        path.write_bytes(data)


def prepare_obstructed(place: WorkPlace) -> None:
    """A file where the second version has a folder, and a folder where it has a file."""
    prepare_two_versions(place)
    shutil.rmtree(place.path / "data/deep")
    place.write("data/deep", "a file\n")
    (place.path / "data/0.txt").unlink()
    place.write("data/0.txt/a/b", "below a folder\n")


def prepare_ignored(place: WorkPlace) -> None:
    """Two versions, the second checked out, and files among its own that are left out."""
    prepare_born(place)
    place.write(".mlverignore", "*.tmp\ncache/\n")
    place.commit("Leave out what is no data")
    place.mlver(*FIRST)
    _change_files(place)
    place.mlver(*NEXT)
    for path in ("data/own.tmp", "data/deep/own.tmp", "data/deep/cache/own"):
        place.write(path, "stored nowhere\n")


def prepare_large(place: WorkPlace) -> None:
    prepare_changed(place)
    place.write("model.bin", make_weights(3, 3 * LARGE + 5))
    place.write("big.bin", make_weights(4, LARGE))
    place.write("data/large.bin", make_weights(5, LARGE + 1))


def prepare_two_versions(place: WorkPlace) -> None:
    prepare_changed(place)
    place.mlver(*NEXT)


def prepare_followed(place: WorkPlace) -> None:
    """Two versions whose data set lies out of the work tree, and a file of no version there.

    The work tree is a folder beside it, so that a copy holds both.
    """
    place.git("config", "core.worktree", "../tree")
    tree = WorkPlace(place.path / "tree")
    tree.path.mkdir()
    (place.path / "disk").mkdir()
    (tree.path / "data").symlink_to("../disk")
    prepare_born(tree)
    tree.mlver(*FIRST, "--follow")
    _change_files(tree)
    tree.mlver(*NEXT)
    tree.write("data/1.txt", "stored nowhere\n")


def prepare_remote(place: WorkPlace) -> None:
    """One version whose data set lies at an address, and one of its files changed since."""
    prepare_born(place)
    bucket = Path(os.environ["HOME"]).parent / "bucket"
    bucket.mkdir(exist_ok=True)
    for number in range(3):
        (bucket / f"{number}.txt").write_text(f"row {number}\n" * 20)
    words = ["register", "m", "--weights", "model.bin", "--data", f"train={bucket.as_uri()}"]
    place.mlver(*words, "--version", "1.0.0", "-m", "First")
    place.write("model.bin", make_weights(2))
    (bucket / "1.txt").write_text("another row\n" * 30)


def prepare_executable(place: WorkPlace) -> None:
    """Two versions with a program; the bit of one file is wrong, and the bytes of another."""
    prepare_registered(place)
    for number, version in enumerate(("1.1.0", "1.2.0")):
        for name in ("data/run.sh", "data/serve"):
            place.write(name, "#!/bin/sh\n" if name.endswith("sh") else f"#!/bin/sh\n# {number}\n")
            (place.path / name).chmod(0o755)
        place.mlver("register", "m", "--version", version, "-m", "A program")
    (place.path / "data/run.sh").chmod(0o644)


def prepare_inputs(place: WorkPlace) -> None:
    """Two versions, each with its params and metrics."""
    prepare_born(place)
    for number, words in ((1, (*FIRST, "--params", "p.yaml", "--metrics", "m.json")), (2, NEXT)):
        place.write("model.bin", make_weights(number))
        place.write("p.yaml", f"width: {number}\n")
        place.write("m.json", f'{{"loss": 0.{number}}}\n')
        place.commit(f"Training run {number}")
        place.mlver(*words)


def prepare_staged(place: WorkPlace) -> None:
    """Two versions, the second in production.

    The work tree holds the second, and a file of no version.
    """
    prepare_two_versions(place)
    place.mlver("promote", "m@1.0.0", "--to", "production", "-m", "Good")
    place.mlver("promote", "m@1.1.0", "--to", "production", "-m", "Better")
    place.write("data/1.txt", "stored nowhere\n")


def prepare_mirrored(place: WorkPlace) -> None:
    """The same, where GTO's tags tell of promotions, too."""
    prepare_two_versions(place)
    place.mlver("config", "set", "tags.mirror", "gto")
    place.commit("Make GTO's tags")
    place.mlver("promote", "m@1.0.0", "--to", "production", "-m", "Good")
    place.mlver("promote", "m@1.1.0", "--to", "production", "-m", "Better")
    place.write("data/1.txt", "stored nowhere\n")


def prepare_unmirrored(place: WorkPlace) -> None:
    """Records that a merge brought, without GTO's tags."""
    prepare_mirrored(place)
    place.git("tag", "-d", "m#production#1", "m#production#2")


def prepare_large_staged(place: WorkPlace) -> None:
    """Three versions with large files, the third in production; none of its files was changed."""
    prepare_large(place)
    place.mlver(*NEXT)
    place.write("model.bin", make_weights(6, 2 * LARGE))
    (place.path / "data/large.bin").unlink()
    place.write("data/other.bin", make_weights(7, LARGE))
    place.mlver("register", "m", "--version", "1.2.0", "-m", "Third")
    place.mlver("promote", "m@1.1.0", "--to", "production", "-m", "Good")
    place.mlver("promote", "m@1.2.0", "--to", "production", "-m", "Better")


def prepare_busy(prepare: Callable[[WorkPlace], None], place: WorkPlace) -> None:
    """The same with other work under way.

    There are staged, changed and unknown files, packed objects and references.

    And a person who told git not to wait for the disk.
    """
    prepare(place)
    if place.git("rev-list", "--all", "-1"):
        place.git("gc", "--quiet")
    place.git("config", "core.fsyncMethod", "writeout-only")
    place.write("staged.txt", "staged\n")
    place.git("add", "staged.txt")
    place.write("staged.txt", "staged, then changed\n")
    place.write("unknown.txt", "unknown\n")


def prepare_many(prepare: Callable[[WorkPlace], None], place: WorkPlace) -> None:
    """The same after a longer life.

    There is another model beside it, with versions and promotions of its own.
    """
    prepare(place)
    place.write("other.bin", make_weights(9))
    if not (place.path / ".mlver").exists():
        place.mlver("init")
    place.mlver("register", "other", "--weights", "other.bin", "-m", "First", "--allow-dirty")
    for number in range(3):
        place.write("other.bin", make_weights(10 + number))
        place.mlver("register", "other", "--bump", "minor", "-m", "Next", "--allow-dirty")
        place.mlver("promote", "other", "--to", "staging", "-m", "Try it")


def prepare_merged(place: WorkPlace) -> None:
    """Records on the main line of a forge, of which some have tags here and none has one there."""
    prepare_two_versions(place)
    for version in ("1.0.0", "1.1.0"):
        place.mlver("promote", f"m@{version}", "--to", "staging", "-m", "Try it")
    place.git("tag", "-d", "m@v1.1.0", "m@staging.2")
    place.git("init", "--quiet", "--bare", ".git/forge.git")
    place.git("remote", "add", "origin", ".git/forge.git")
    place.git("push", "--quiet", "origin", "main")


def outrun(place: WorkPlace) -> None:
    """The same, and the forge has what is not here: a commit on its main line, and a tag."""
    prepare_merged(place)
    place.git("push", "--quiet", "origin", "refs/tags/m@v1.0.0")
    place.git("tag", "-d", "m@v1.0.0")
    other = WorkPlace(place.path / ".git/other")
    place.git("clone", "--quiet", ".git/forge.git", ".git/other")
    other.write("notes.md", "Work of somebody else\n")
    other.commit("Take notes")
    other.git("push", "--quiet", "origin", "main")
    shutil.rmtree(other.path)
    place.git("config", "fetch.unpackLimit", "1")  # so that a pack comes, as with a large fetch


def prepare_told_by_tags(place: WorkPlace) -> None:
    """Two versions, of which one has no version tag yet, and the stage they held in turn.

    The weights are in git.
    """
    place.write("train.py", "print('training')\n")
    for number, tag in enumerate(("m@v1.0.0", "v1.1.0"), start=1):
        place.write("weights/model.bin", make_weights(number))
        place.write("weights/vocabulary.txt", f"word {number}\n")
        place.commit(f"Weights {number}")
        place.git("tag", "-a", tag, "-m", f"Version {number}")
        place.git("tag", "-a", f"m#production#{number}", "-m", "Serve it")
    place.mlver("init")


def prepare_unsealed(place: WorkPlace) -> None:
    """Records that a merge brought, without their tags."""
    prepare_staged(place)
    place.git("tag", "-d", "m@v1.0.0", "m@v1.1.0", "m@production.1", "m@production.2")


def prepare_stopped_merge(place: WorkPlace) -> None:
    """A merge that stopped: both branches registered a 1.1.0 and promoted it.

    The seal here is the one of the other.
    """
    prepare_registered(place)
    place.git("switch", "--quiet", "-c", "topic")
    _register_on_branch(place, 2)
    place.git("switch", "--quiet", "main")
    _register_on_branch(place, 3)
    place.git("switch", "--quiet", "topic")
    place.mlver("tag")
    place.git("switch", "--quiet", "main")
    with suppress(AssertionError):
        place.git("merge", "--quiet", "topic")


def _register_on_branch(place: WorkPlace, number: int) -> None:
    place.write("model.bin", make_weights(number))
    place.mlver(*NEXT)
    place.mlver("promote", "m@1.1.0", "--to", "production", "-m", f"Of {number}")
    place.git("tag", "-d", "m@v1.1.0", "m@production.1")
