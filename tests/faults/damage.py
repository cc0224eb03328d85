"""Bits flipped, files cut short, swapped and deleted, in every kind of stored file.

Each damage is to be named, and no damaged byte to be served.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults import ground, oracle, preparations
from tests.faults.campaign import CampaignExtent, CampaignTally
from tests.faults.ground import WorkPlace
from tests.faults.run import ChildRun, run_in_process
from tests.storage.local.series import write_checkpoint

_STORED = {
    "record": ".mlver/models/m/versions/*.yaml",
    "promotion": ".mlver/models/m/stages/*/*.yaml",
    "manifest": ".mlver/manifests/*.sha256",
    "object": ".git/mlver/objects/*/*",
    "pack": ".git/mlver/packs/*.pack",
    "index": ".git/mlver/packs/*.idx",
    "tensors": ".mlver/tensors/*.json",
    "config": ".mlver/config.yaml",
    "settings": ".mlver/models/m/model.yaml",
    "tag": ".git/refs/tags/m@v*",
    "tag object": "",
}
_VERSIONS = ("1.0.0", "1.1.0")
KINDS = tuple(_STORED)
_ENOUGH = (
    1_100  # of each kind, where nobody says how many: there is no end of ways to damage a file
)
# Kinds that only a promotion makes, or that say how one is judged. Of the others, every so many-th
# is damaged beside promotions; without them, less of the repository could tell of it.
_OF_STAGES = frozenset(("promotion", "settings"))
_PROMOTED_EVERY = 8
# Settings may say anything a person wants them to.
_HARMLESS = frozenset(("config", "settings"))


@dataclass(frozen=True, slots=True)
class _DamageGround:
    template: WorkPlace
    right: set[tuple[str, str]]
    tags: str
    files: dict[str, tuple[str, ...]]


def _flip_bit(data: bytearray, seeded: random.Random) -> bytes:
    data[seeded.randrange(len(data))] ^= 1 << seeded.randrange(8)
    return bytes(data)


def _cut_short(data: bytearray, seeded: random.Random) -> bytes:
    return bytes(data[: seeded.randrange(len(data))])


def _grow_data(data: bytearray, seeded: random.Random) -> bytes:
    return bytes(data) + seeded.randbytes(seeded.randrange(1, 64))


def _blank_sector(data: bytearray, seeded: random.Random) -> bytes:
    """A sector that reads as zeros, as a failing disk gives it back."""
    start = seeded.randrange(len(data))
    length = min(512, len(data) - start)
    return bytes(data[:start]) + bytes(length) + bytes(data[start + length :])


_WAYS: dict[str, Callable[[bytearray, random.Random], bytes]] = {
    "flip": _flip_bit,
    "cut": _cut_short,
    "grow": _grow_data,
    "blank": _blank_sector,
}


def prepare_grounds(root: Path) -> tuple[_DamageGround, _DamageGround]:
    """Two versions, and the same after promotions, which take twice as long to verify."""
    plain = ground.prepare_place(root / "damage", _register_both)
    promoted = ground.prepare_place(root / "promoted", _promote_both)
    return _describe_ground(plain), _describe_ground(promoted)


def _register_both(plain: WorkPlace) -> None:
    preparations.prepare_changed(plain)
    plain.write("big.bin", preparations.make_weights(4, preparations.LARGE))
    plain.mlver("register", "m", "--version", "1.1.0", "-m", "Second", "--data", "big=big.bin")
    for number, model in enumerate(("t", "u")):
        plain.write("w.safetensors", write_checkpoint({"layer": bytes([number]) * 64}))
        plain.mlver("register", model, "--weights", "w.safetensors", "-m", "Tensors")
    # what is copied a thousand times must be small, and the stored copies are what is damaged
    for name in ("big.bin", "w.safetensors"):
        (plain.path / name).unlink()


def _promote_both(promoted: WorkPlace) -> None:
    _register_both(promoted)
    promoted.mlver("promote", "m@1.0.0", "--to", "production", "-m", "Good")
    promoted.mlver("promote", "m@1.1.0", "--to", "production", "-m", "Better")


def _describe_ground(template: WorkPlace) -> _DamageGround:
    files = {
        kind: tuple(map(str, sorted(template.path.glob(pattern))))
        for kind, pattern in _STORED.items()
        if pattern
    }
    tags = [
        template.git("rev-parse", f"refs/tags/m@v{number}").strip() for number in ("1.0.0", "1.1.0")
    ]
    files["tag object"] = tuple(
        str(template.path / ".git/objects" / tag[:2] / tag[2:]) for tag in tags
    )
    right = {pair for version in _VERSIONS for pair in _list_served_files(template, version)[1]}
    return _DamageGround(template, right, _read_tags(template), files)


def damage_files(kind: str, root: Path, extent: CampaignExtent) -> CampaignTally:
    plain, promoted = prepare_grounds(root)
    seeded = random.Random(f"damage {kind}{extent.turn or ''}")
    tally = CampaignTally()
    for number in range(min(extent.most, _ENOUGH) * 2):
        made = promoted if kind in _OF_STAGES or number % _PROMOTED_EVERY == 0 else plain
        place = ground.copy_place(made.template.path, root / "work", share=True)
        path = place.path / Path(seeded.choice(made.files[kind])).relative_to(made.template.path)
        ways = [*_WAYS, "delete", "swap"]
        if kind.startswith("tag"):
            # git reads neither what follows the name in a reference nor what follows the end of a
            # zlib stream
            ways.remove("grow")
        way = seeded.choice(ways)
        changed = _apply_damage(way, path, made, kind, seeded) and (
            not kind.startswith("tag") or _read_tags(place) != made.tags
        )
        if changed and extent.only in ("", f"{number}:{way}"):
            twin = ground.copy_place(place.path, root / "twin", share=True)
            wrong = list(_judge_copies(place, twin, kind, made))
            ground.clear_directory(twin.path)
            tally.add_point(
                f"{kind}:{number}:{way}",
                wrong,
                fired=True,
                lost=any("served" in text for text in wrong),
            )
        ground.clear_directory(place.path)
        if extent.is_reached(tally):
            break
    return tally


def _apply_damage(
    way: str, path: Path, made: _DamageGround, kind: str, seeded: random.Random
) -> bool:
    old = path.read_bytes()
    path.unlink()  # so that only this copy changes, not the file that it shares with others
    if way == "delete":
        return True
    if way == "swap":
        others = [Path(other) for other in made.files[kind] if Path(other).name != path.name]
        new = seeded.choice(others).read_bytes() if others else _flip_bit(bytearray(old), seeded)
    else:
        new = _WAYS[way](bytearray(old), seeded)
    path.write_bytes(new)
    return new != old


def _judge_copies(
    place: WorkPlace, twin: WorkPlace, kind: str, made: _DamageGround
) -> Iterator[str]:
    """Each command looks at a copy of its own.

    Verifying sets damaged copies aside, and reading repairs an index.
    """
    for version in _VERSIONS:
        done, served = _list_served_files(place, version)
        if done.code not in (0, 2, 3):
            yield f"checkout exited {done.code}: {done.err}"
        for name, _ in served - made.right:
            yield f"served wrong bytes as {name} of {version} (exit {done.code})"
    verified = run_in_process(twin.path, ("verify", "--all", "--json"))
    named = _list_named_files(verified.out) if verified.code == 1 else []
    if verified.code not in (0, 1, 3):
        yield f"verify exited {verified.code}: {verified.err}"
    if not named and verified.code != 3 and kind not in _HARMLESS:
        yield f"verify did not name it (exit {verified.code})"


def _read_tags(place: WorkPlace) -> str:
    """The tags as git reads them.

    An `A` for an `a` in a reference is no damage, nor a bit that zlib does not use.
    """
    try:
        return place.git("for-each-ref", "--format=%(objectname) %(contents)", "refs/tags")
    except AssertionError:
        return ""


def _list_served_files(place: WorkPlace, version: str) -> tuple[ChildRun, set[tuple[str, str]]]:
    """A version checked out elsewhere: each file's name and what it holds."""
    target = place.path.parent / "served"
    ground.clear_directory(target)
    done = run_in_process(place.path, ("checkout", f"m@{version}", "--to", str(target)))
    files = {path for path in target.rglob("*") if path.is_file()}
    return done, {
        (path.relative_to(target).as_posix(), oracle.hash_content(path)) for path in files
    }


def _list_named_files(told: str) -> list[str]:
    return [link["subject"] for link in json.loads(told)["broken"] if link["kind"] != "working"]
