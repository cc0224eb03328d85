"""Bits flipped, files cut short, swapped and deleted, in every kind of stored file: all named, nothing served."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults import ground, operations, oracle
from tests.faults.campaign import Extent, Tally
from tests.faults.ground import Place
from tests.faults.run import Run, here

_STORED = {
    "record": ".mlver/models/m/versions/*.yaml",
    "promotion": ".mlver/models/m/stages/*/*.yaml",
    "manifest": ".mlver/manifests/*.sha256",
    "object": ".git/mlver/objects/*/*",
    "pack": ".git/mlver/packs/*.pack",
    "index": ".git/mlver/packs/*.idx",
    "config": ".mlver/config.yaml",
    "settings": ".mlver/models/m/model.yaml",
    "tag": ".git/refs/tags/m@v*",
    "tag object": "",
}
_VERSIONS = ("1.0.0", "1.1.0")
KINDS = tuple(_STORED)
_ENOUGH = 1_100  # of each kind, where nobody says how many: there is no end of ways to damage a file
# Settings may say anything a person wants them to.
_HARMLESS = frozenset(("config", "settings"))


@dataclass(frozen=True, slots=True)
class _Ground:
    template: Place
    right: set[tuple[str, str]]
    tags: str
    files: dict[str, tuple[str, ...]]


def _flip(data: bytearray, seeded: random.Random) -> bytes:
    data[seeded.randrange(len(data))] ^= 1 << seeded.randrange(8)
    return bytes(data)


def _cut(data: bytearray, seeded: random.Random) -> bytes:
    return bytes(data[: seeded.randrange(len(data))])


def _grow(data: bytearray, seeded: random.Random) -> bytes:
    return bytes(data) + seeded.randbytes(seeded.randrange(1, 64))


def _blank(data: bytearray, seeded: random.Random) -> bytes:
    """A sector that reads as zeros, as a failing disk gives it back."""
    start = seeded.randrange(len(data))
    length = min(512, len(data) - start)
    return bytes(data[:start]) + bytes(length) + bytes(data[start + length :])


_WAYS: dict[str, Callable[[bytearray, random.Random], bytes]] = {
    "flip": _flip,
    "cut": _cut,
    "grow": _grow,
    "blank": _blank,
}


def prepare(root: Path) -> _Ground:
    template = ground.new(root / "damage")
    operations.changed(template)
    template.write("big.bin", operations.weights(4, operations.LARGE))
    template.mlver("register", "m", "--version", "1.1.0", "-m", "Second", "--data", "big=big.bin")
    template.mlver("promote", "m@1.0.0", "--to", "production", "-m", "Good")
    template.mlver("promote", "m@1.1.0", "--to", "production", "-m", "Better")
    # what is copied a thousand times must be small, and the stored copies are what is damaged
    (template.path / "big.bin").unlink()
    files = {kind: tuple(map(str, sorted(template.path.glob(pattern)))) for kind, pattern in _STORED.items() if pattern}
    tags = [template.git("rev-parse", f"refs/tags/m@v{number}").strip() for number in ("1.0.0", "1.1.0")]
    files["tag object"] = tuple(str(template.path / ".git/objects" / tag[:2] / tag[2:]) for tag in tags)
    right = {pair for version in _VERSIONS for pair in _served(template, version)[1]}
    return _Ground(template, right, _tags(template), files)


def damage(kind: str, root: Path, extent: Extent) -> Tally:
    made = prepare(root)
    seeded = random.Random(f"damage {kind}")
    tally = Tally()
    for number in range(min(extent.most, _ENOUGH) * 2):
        place = ground.copy(made.template.path, root / "work")
        path = place.path / Path(seeded.choice(made.files[kind])).relative_to(made.template.path)
        ways = [*_WAYS, "delete", "swap"]
        if kind.startswith("tag"):
            # git reads neither what follows the name in a reference nor what follows the end of a zlib stream
            ways.remove("grow")
        way = seeded.choice(ways)
        changed = _do(way, path, made, kind, seeded) and (not kind.startswith("tag") or _tags(place) != made.tags)
        if changed and extent.only in ("", f"{number}:{way}"):
            twin = ground.copy(place.path, root / "twin")
            wrong = list(_judge(place, twin, kind, made))
            ground.clear(twin.path)
            tally.add(f"{kind}:{number}:{way}", wrong, fired=True, lost=any("served" in text for text in wrong))
        ground.clear(place.path)
        if extent.ends(tally):
            break
    return tally


def _do(way: str, path: Path, made: _Ground, kind: str, seeded: random.Random) -> bool:
    old = path.read_bytes()
    path.chmod(0o644)
    if way == "delete":
        path.unlink()
        return True
    if way == "swap":
        others = [Path(other) for other in made.files[kind] if Path(other).name != path.name]
        new = seeded.choice(others).read_bytes() if others else _flip(bytearray(old), seeded)
    else:
        new = _WAYS[way](bytearray(old), seeded)
    path.write_bytes(new)
    return new != old


def _judge(place: Place, twin: Place, kind: str, made: _Ground) -> Iterator[str]:
    """Each looks at a copy of its own: verifying sets damaged copies aside, and reading mends an index."""
    for version in _VERSIONS:
        done, served = _served(place, version)
        if done.code not in (0, 2, 3):
            yield f"checkout exited {done.code}: {done.err}"
        for name, _ in served - made.right:
            yield f"served wrong bytes as {name} of {version} (exit {done.code})"
    verified = here(twin.path, ("verify", "--all", "--json"))
    named = _named(verified.out) if verified.code == 1 else []
    if verified.code not in (0, 1, 3):
        yield f"verify exited {verified.code}: {verified.err}"
    if not named and verified.code != 3 and kind not in _HARMLESS:
        yield f"verify did not name it (exit {verified.code})"


def _tags(place: Place) -> str:
    """The tags as git reads them: an `A` for an `a` in a reference is no damage, nor a bit that zlib does not use."""
    try:
        return place.git("for-each-ref", "--format=%(objectname) %(contents)", "refs/tags")
    except AssertionError:
        return ""


def _served(place: Place, version: str) -> tuple[Run, set[tuple[str, str]]]:
    """A version checked out elsewhere: each file's name and what it holds."""
    target = place.path.parent / "served"
    ground.clear(target)
    done = here(place.path, ("checkout", f"m@{version}", "--to", str(target)))
    files = {path for path in target.rglob("*") if path.is_file()}
    return done, {(path.relative_to(target).as_posix(), oracle.content_of(path)) for path in files}


def _named(told: str) -> list[str]:
    return [link["subject"] for link in json.loads(told)["broken"] if link["kind"] != "working"]
