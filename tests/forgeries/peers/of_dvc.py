"""DVC: dvc.lock and .dvc files say which bytes belong to a commit; git keeps the history."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.forgeries.peers.git_ground import (
    ALICE,
    KIM,
    OLD_DATE,
    FileChanges,
    ForgedTag,
    GitForgery,
    GitGround,
    commit_files,
    make_tag,
)
from tests.forgeries.peers.judging import ToolCommand, require_honest, run_commands

PURPOSE = "keeps data and models beside git and runs pipelines; a version is a commit or a git tag"
ABSENT = {
    "reordered": "it numbers nothing; the order is that of git's commits",
    "rule weakened and restored": "it has no rules",
}
_HASH = "import hashlib, pathlib\nfile = pathlib.Path('{}')\n" + (
    "print(hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else 'absent')"
)
COMMANDS = (
    ToolCommand("dvc fetch", ("dvc", "fetch")),
    ToolCommand("dvc checkout", ("dvc", "checkout")),
    ToolCommand("dvc status", ("dvc", "status")),
    ToolCommand("dvc status --cloud", ("dvc", "status", "--cloud")),
    ToolCommand("dvc data status", ("dvc", "data", "status")),
    ToolCommand("dvc doctor", ("dvc", "doctor")),
    ToolCommand("dvc get", ("dvc", "get", ".", "model.bin", "--rev", "v1", "--force", "-o", "old")),
    ToolCommand("", ("python", _HASH.format("old")), check=False),
    ToolCommand("", ("python", _HASH.format("model.bin")), check=False),
    ToolCommand("dvc metrics show", ("dvc", "metrics", "show", "--json"), check=False),
    ToolCommand("dvc metrics diff", ("dvc", "metrics", "diff", "v1", "--json"), check=False),
    ToolCommand("git tag", ("python", "import os; os.system('git tag')"), check=False),
)
_PIPELINE = """\
stages:
  train:
    cmd: python train.py
    deps: [train.py]
    params: [rate]
    outs: [model.bin]
    metrics:
    - metrics.json:
        cache: false
artifacts:
  digits:
    type: model
    path: model.bin
"""
_TRAIN = """\
rate = open("params.yaml").read()
open("model.bin", "w").write("weights " + rate * 100)
open("metrics.json", "w").write('{"accuracy": 0.9}\\n')
"""
_FORGED = b"the forger's weights\n" * 40


def build_ground(top: Path, environment: Mapping[str, str], python: Path) -> GitGround:
    """Build two runs of a pipeline, tagged v1 and v2, with their bytes in a remote storage."""
    remote, work = top / "remote.git", top / "work"
    work.mkdir(parents=True)
    ground = GitGround(remote, {}, environment)
    ground.git(work, "init", "--quiet")
    _run_dvc(python, work, environment, "init --quiet", "remote add --quiet --default store /none")
    prepare_clone(work, top / "storage")
    (work / "dvc.yaml").write_text(_PIPELINE)
    (work / "train.py").write_text(_TRAIN)
    points: dict[str, str] = {}
    for number, point in enumerate(("early", "second"), start=1):
        (work / "params.yaml").write_text(f"rate: 0.{number}\n")
        _run_dvc(python, work, environment, "repro --quiet", "push --quiet")
        points[point] = commit_files(ground, work, KIM, f"2026-03-0{number}T09:00:00Z")
        tag = ForgedTag(name=f"v{number}", tagger=KIM, date=f"2026-03-0{number}T10:00:00Z")
        make_tag(ground, work, tag, points[point])
    (work / "notes.txt").write_text("other work\n")
    points["tip"] = commit_files(ground, work, KIM, "2026-03-05T09:00:00Z")
    ground.git(top, "clone", "--quiet", "--bare", str(work), str(remote))
    return GitGround(remote, points, environment)


def prepare_clone(clone: Path, storage: Path) -> None:
    """Say where the bytes are."""
    text = f"['remote \"store\"']\n    url = {storage}\n"
    (clone / ".dvc" / "config.local").write_text(text)


def _run_dvc(python: Path, place: Path, environment: Mapping[str, str], *lines: str) -> None:
    commands = [ToolCommand(line, ("dvc", *line.split())) for line in lines]
    require_honest(run_commands(python, commands, place, environment))


def list_forgeries(ground: GitGround) -> Iterator[GitForgery]:
    locked = ground.git(ground.remote, "show", "main:dvc.lock")
    digest, size = find_pointer(locked)
    forged = hashlib.md5(_FORGED).hexdigest()
    pointing = locked.replace(digest, forged).replace(f"size: {size}", f"size: {len(_FORGED)}")
    pointer: FileChanges = {"dvc.lock": pointing.encode() + b"\n"}
    add = _write_object(forged, _FORGED)
    yield GitForgery(
        kind="edited",
        forged="dvc.lock points to the forger's weights",
        steps=[pointer],
        store=add,
    )
    nowhere = locked.replace(digest, "a" * 32).encode() + b"\n"
    yield GitForgery(
        kind="edited",
        forged="dvc.lock points to bytes that are nowhere",
        steps=[{"dvc.lock": nowhere}],
    )
    metrics = b'{"accuracy": 0.99}\n'
    yield GitForgery(kind="edited", forged="metrics.json", steps=[{"metrics.json": metrics}])
    yield GitForgery(kind="edited", forged="the tag of v1", tags=[ForgedTag(name="v1")])
    for words, writable in (("", False), (", now writable", True)):
        yield GitForgery(
            kind="edited",
            forged=f"stored bytes{words}",
            store=_write_object(digest, _FORGED[:size], writable=writable),
        )
    yield from _list_added(locked, pointer, add, metrics)
    yield from _list_removed(digest)


def _list_added(
    locked: str, pointer: FileChanges, add: Callable[[Path], None], metrics: bytes
) -> Iterator[GitForgery]:
    yield GitForgery(
        kind="inserted",
        forged="a version between two",
        steps=[pointer],
        tags=[ForgedTag(name="v1.5", target="step 0", date="2026-03-01T12:00:00Z")],
        store=add,
    )
    yield GitForgery(
        kind="backdated",
        forged="a commit dated before the others",
        steps=[pointer],
        date=OLD_DATE,
        store=add,
    )
    yield GitForgery(
        kind="other author",
        forged="a commit in another's name",
        steps=[pointer],
        author=ALICE,
        store=add,
    )
    block = locked[locked.index("path: metrics.json") :]
    measured = re.findall(r"md5: ([0-9a-f]{32})\n *size: (\d+)", block)[0]
    told = locked.replace(measured[0], hashlib.md5(metrics).hexdigest())
    told = re.sub(rf"(?<=size: ){measured[1]}$", str(len(metrics)), told, flags=re.MULTILINE)
    yield GitForgery(
        kind="invented gates",
        forged="no gates; a result that no run had, in metrics.json and dvc.lock",
        steps=[{"metrics.json": metrics, "dvc.lock": told.encode() + b"\n"}],
    )


def _list_removed(digest: str) -> Iterator[GitForgery]:
    gone: FileChanges = {"dvc.yaml": None, "dvc.lock": None, "metrics.json": None}
    yield GitForgery(kind="removed", forged="the model on main", steps=[gone])
    yield GitForgery(kind="removed", forged="a version's tag", deleted=["v2"])

    def remove_object(storage: Path) -> None:
        _locate_object(storage, digest).unlink()

    yield GitForgery(kind="removed", forged="stored bytes", store=remove_object)


def find_pointer(locked: str) -> tuple[str, int]:
    """Find the digest and the size of the weights in a dvc.lock."""
    block = locked[locked.index("path: model.bin") :]
    digest, size = re.findall(r"md5: ([0-9a-f]{32})\n *size: (\d+)", block)[0]
    return digest, int(size)


def _locate_object(storage: Path, digest: str) -> Path:
    return storage / "files" / "md5" / digest[:2] / digest[2:]


def _write_object(digest: str, data: bytes, *, writable: bool = False) -> Callable[[Path], None]:
    """Write bytes under that name, with the mode that DVC gives them unless it is to change."""

    def write(storage: Path) -> None:
        path = _locate_object(storage, digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)
        path.chmod(0o644 if writable else 0o444)

    return write
