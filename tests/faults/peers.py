"""What other tools lose where the campaigns say that mlver loses nothing.

They meet the same power cut, kill and flipped bit.

Each is used as its own manual says, with its own defaults. Run it, to see the table, as root, with
strace:

python -m tests.faults.peers 3
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults import ground, power, preparations
from tests.faults.calls import shut_down_mount

CHECKOUT = Path(__file__).resolve().parents[2]
FILE = "model.bin"
_OLD, _NEW = preparations.make_weights(1, 200_000), preparations.make_weights(2, 200_000)
_MLVER = (sys.executable, "-m", "mlver")
# What changes a working file, or its name. mlver only ever names a file that was written beside it,
# so of its calls all that change any name, or wait for the disk, are tried.
_OURS = "unlink,unlinkat,rename,renameat,renameat2,link,linkat,mkdir,rmdir,ftruncate,fchmod,fsync"
_CALLS = (
    "unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,truncate,ftruncate,"
    "openat,write,fchmod"
)


@dataclass(frozen=True, slots=True)
class PeerTool:
    """A tool and what a person types.

    The commands begin, keep `FILE` as it is now, bring the old one back, and check.

    `copies` are its own copies of the file's bytes, by pattern.
    """

    name: str
    version: tuple[str, ...]
    begin: tuple[tuple[str, ...], ...]
    keep: tuple[tuple[str, ...], ...]
    back: tuple[tuple[str, ...], ...]
    check: tuple[str, ...]
    copies: str = ""
    tags: bool = True


_COMMIT = ("git", "commit", "--quiet", "--all", "-m", "Next")
_SAFE = ("git", "-c", "core.fsync=all")
_TAG = ("git", "tag", "-a", "-m", "Next", "next")
_GIT_BACK = (("git", "checkout", "--quiet", "first", "--", "."),)
PEERS = (
    PeerTool(
        "mlver",
        (*_MLVER, "--version"),
        ((*_MLVER, "init"),),
        ((*_MLVER, "register", "m", "--weights", FILE, "--bump", "minor", "-m", "Next"),),
        ((*_MLVER, "checkout", "m@1.0.0"),),
        (*_MLVER, "verify", "--all"),
        ".git/mlver/packs/*.pack",
    ),
    PeerTool(
        "git",
        ("git", "--version"),
        (),
        (_COMMIT, _TAG),
        _GIT_BACK,
        ("git", "fsck"),
        ".git/objects/??/*",
    ),
    PeerTool(
        "git, core.fsync=all",
        ("git", "--version"),
        (),
        ((*_SAFE, *_COMMIT[1:]), (*_SAFE, *_TAG[1:])),
        _GIT_BACK,
        ("git", "fsck"),
        ".git/objects/??/*",
    ),
    PeerTool(
        "git-lfs",
        ("git", "lfs", "version"),
        (
            ("git", "lfs", "install", "--local"),
            ("git", "lfs", "track", FILE),
            ("git", "add", ".gitattributes"),
        ),
        (_COMMIT, _TAG),
        _GIT_BACK,
        ("git", "lfs", "fsck"),
        ".git/lfs/objects/*/*/*",
    ),
    PeerTool(
        "DVC",
        ("dvc", "--version"),
        (("dvc", "init", "--quiet"), ("dvc", "config", "core.analytics", "false")),
        (("dvc", "add", "--quiet", FILE), ("git", "add", "--all"), _COMMIT, _TAG),
        (
            ("git", "checkout", "--quiet", "first", "--", f"{FILE}.dvc"),
            ("dvc", "checkout", "--quiet", "--force"),
        ),
        ("dvc", "status", "--quiet"),
        ".dvc/cache/files/md5/*/*",
    ),
)


@dataclass(slots=True)
class PeerLosses:
    """What was lost.

    `cut` counts it by file system and thing, of so many `cuts` there; `gone` of the `kills` left no
    whole file.
    """

    version: str = ""
    cuts: Counter[str] = field(default_factory=Counter)
    cut: Counter[str] = field(default_factory=Counter)
    served: str = ""
    checked: str = ""
    kills: int = 0
    gone: int = 0


def measure_losses(peer: PeerTool, root: Path, times: int) -> PeerLosses:
    """Everything about one tool; `root` is an empty folder."""
    found = PeerLosses(_run_words(peer.version, root).stdout.decode().split("\n")[0])
    for kind in power.list_file_systems():
        for number in range(times):
            for thing in _list_power_cut_losses(peer, kind, root / f"{kind}{number}"):
                found.cut[f"{kind} {thing}"] += 1
            found.cuts[kind] += 1
    found.served, found.checked = _try_flipped_bit(peer, root / "flipped")
    for at in _list_kill_points(peer, root / "watched"):
        found.kills += 1
        found.gone += _is_gone(peer, root / "killed", at)
    return found


# -- a power cut -----------------------------------------------------------------------------------


def _list_power_cut_losses(peer: PeerTool, kind: str, root: Path) -> list[str]:
    """Which of `commit`, `tag` and `bytes` are lost, though the tool had said that it is done."""
    root.mkdir()
    image, mount = root / "image", root / "mount"
    power.make_file_system(kind, image)
    with power.mount_image(image, mount):
        place = _prepare_first(peer, mount / "repository")
        (place / FILE).write_bytes(_NEW)
        subprocess.run(["sync"], check=True)
        for words in peer.keep:
            _run_or_fail(words, place)
        wanted = [
            _read_object_id(place, "HEAD"),
            _read_object_id(place, "refs/tags/next")
            or _read_object_id(place, "refs/tags/m@v1.1.0"),
        ]
        shut_down_mount(mount)
    with power.mount_image(image, mount):
        there = [
            _read_object_id(place, "HEAD"),
            _read_object_id(place, "refs/tags/next")
            or _read_object_id(place, "refs/tags/m@v1.1.0"),
        ]
        lost = [
            name
            for name, old, new in zip(("commit", "tag"), wanted, there, strict=True)
            if old != new
        ]
        if (
            "commit" not in lost
            and _run_words(("git", "rev-list", "--objects", "HEAD"), place).returncode
        ):
            lost.append("commit")
        if not any(_holds_bytes(path, _NEW) for path in place.glob(peer.copies)):
            lost.append("bytes")
    shutil.rmtree(root)
    return lost


def _read_object_id(place: Path, name: str) -> str:
    done = _run_words(("git", "cat-file", "-e", name), place)
    return (
        ""
        if done.returncode
        else _run_words(("git", "rev-parse", name), place).stdout.decode().strip()
    )


def _holds_bytes(copy: Path, data: bytes) -> bool:
    """Whether a stored copy holds these bytes: as they are, in a tar, or as a git blob."""
    found = copy.read_bytes()
    if data in found:
        return True
    oid = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
    if copy.parent.name + copy.name != oid:
        return False
    return _run_words(("git", "cat-file", "-p", oid), copy.parents[3]).stdout == data


# -- a flipped bit ---------------------------------------------------------------------------------


def _try_flipped_bit(peer: PeerTool, place: Path) -> tuple[str, str]:
    """Whether a damaged copy was served or refused, and whether the tool's own check named it."""
    _keep_twice(peer, place)
    for path in place.glob(peer.copies):
        if _holds_bytes(path, _OLD):
            mode = path.stat().st_mode
            path.chmod(0o644)
            data = bytearray(path.read_bytes())
            data[len(data) // 2] ^= 1
            path.write_bytes(data)
            path.chmod(mode)
    (place / FILE).unlink()
    for words in peer.back:
        _run_words(words, place)
    held = (place / FILE).read_bytes() if (place / FILE).exists() else None
    checked = _run_words(peer.check, place).returncode
    shutil.rmtree(place)
    return ("refused" if held in (None, b"", _NEW) else "served"), (
        "named" if checked else "not seen"
    )


# -- a kill ----------------------------------------------------------------------------------------


def _list_kill_points(peer: PeerTool, place: Path) -> list[str]:
    """The calls that touch the working file while the old one is put back, such as `unlink:1`."""
    _keep_twice(peer, place)
    log = place.parent / "strace.log"
    _put_back(
        peer,
        place,
        ["-o", os.fspath(log), "-e", f"trace={_OURS if peer.name == 'mlver' else _CALLS}"],
    )
    counts: Counter[str] = Counter()
    found = []
    for call in re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE):
        counts[call] += 1
        found.append(f"{call}:{counts[call]}")
    shutil.rmtree(place)
    return found


def _is_gone(peer: PeerTool, place: Path, at: str) -> bool:
    """Whether the working file is neither its old nor its new self after a kill at that call."""
    _keep_twice(peer, place)
    call, _, number = at.partition(":")
    inject = f"inject={call}:signal=KILL:when={number}"
    _put_back(peer, place, ["-o", os.devnull, "-e", f"trace={call}", "-e", inject])
    path = place / FILE
    gone = not path.exists() or path.read_bytes() not in (_OLD, _NEW)
    shutil.rmtree(place)
    return gone


def _put_back(peer: PeerTool, place: Path, strace: list[str]) -> None:
    *before, last = peer.back
    for words in before:
        _run_or_fail(words, place)
    touching = () if peer.name == "mlver" else ("-P", os.fspath(place / FILE), "-P", FILE)
    _run_words(("strace", "-f", "-qq", *touching, *strace, *last), place)


# -- the ground ------------------------------------------------------------------------------------


def _prepare_first(peer: PeerTool, place: Path) -> Path:
    """A repository in which the tool keeps the old bytes, tagged `first`."""
    place.mkdir(parents=True)
    _run_or_fail(("git", "init", "--quiet"), place)
    for words in peer.begin:
        _run_or_fail(words, place)
    (place / FILE).write_bytes(_OLD)
    if peer.name == "mlver":
        (place / ".gitignore").write_text(f"/{FILE}\n")
    elif peer.name != "DVC":
        _run_or_fail(("git", "add", FILE), place)
    for words in peer.keep[:-1] if peer.name != "mlver" else peer.keep:
        _run_or_fail(words, place)
    _run_or_fail(("git", "tag", "-a", "-m", "First", "first"), place)
    return place


def _keep_twice(peer: PeerTool, place: Path) -> None:
    _prepare_first(peer, place)
    (place / FILE).unlink()  # a hard link, with some
    (place / FILE).write_bytes(_NEW)
    for words in peer.keep:
        _run_or_fail(words, place)


def _run_or_fail(words: tuple[str, ...], place: Path) -> None:
    done = _run_words(words, place)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)}: {done.stdout.decode()}{done.stderr.decode()}")


def _run_words(words: tuple[str, ...], place: Path) -> subprocess.CompletedProcess[bytes]:
    own = (
        {"PYTHONPATH": os.fspath(CHECKOUT)}
        if words[: len(_MLVER)] == _MLVER or _MLVER[0] in words
        else {}
    )
    state = {"DVC_SITE_CACHE_DIR": os.fspath(place.parent / "dvc"), "DVC_NO_ANALYTICS": "1"}
    return subprocess.run(
        words,
        cwd=place,
        env={**os.environ, **state, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


# -- the table -------------------------------------------------------------------------------------


def format_table(losses: dict[str, PeerLosses]) -> Iterator[str]:
    """Markdown: a row a tool."""
    things = ("commit", "tag", "bytes")
    kinds = power.list_file_systems()
    heads = [f"{thing} lost, {kind}" for kind in kinds for thing in things]
    yield (
        "| "
        + " | ".join(["", *heads, "damaged copy", "its own check", "no whole file when killed"])
        + " |"
    )
    yield "|---" * (len(heads) + 4) + "|"
    for name, found in losses.items():
        cells = [
            f"{found.cut[f'{kind} {thing}']} of {found.cuts[kind]}"
            for kind in kinds
            for thing in things
        ]
        kills = f"{found.gone} of {found.kills}"
        yield (
            "| "
            + " | ".join([f"{name} ({found.version})", *cells, found.served, found.checked, kills])
            + " |"
        )


def why_not_measurable(peer: PeerTool) -> str:
    """Why a tool cannot be measured here; empty where it can."""
    return (
        power.why_no_power_cut()
        or ("" if shutil.which("strace") else "needs strace")
        or _find_absent_program(peer)
    )


def _find_absent_program(peer: PeerTool) -> str:
    tool = "git-lfs" if peer.name == "git-lfs" else peer.version[0]
    return "" if shutil.which(tool) else f"needs {tool}"


def main(times: int, told: Callable[[str], object] = print) -> dict[str, PeerLosses]:
    losses = {}
    with tempfile.TemporaryDirectory(prefix="mlver-peers-") as directory:
        ground.seal_environment(Path(directory) / "sealed")
        for number, peer in enumerate(PEERS):
            if why := why_not_measurable(peer):
                told(f"{peer.name} WAS NOT MEASURED: {why}")
                continue
            root = Path(directory) / str(number)
            root.mkdir()
            losses[peer.name] = measure_losses(peer, root, times)
    for line in format_table(losses):
        told(line)
    return losses


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(int(sys.argv[1]))
