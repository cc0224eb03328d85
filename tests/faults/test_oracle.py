"""When two states of a repository are one: what was judged once is not judged again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import ground, oracle
from tests.faults.ground import WorkPlace

_INTENT = '{\n "what": "register m 1.1.0",\n "pid": %d,\n "branch": "refs/heads/main"\n}\n'


@pytest.fixture
def judged(made: Path, tmp_path: Path) -> WorkPlace:
    """A repository with all kinds of files, some of them left by a command that was killed."""
    place = ground.copy_place(made, tmp_path / "judged")
    place.write(".git/mlver/intent.json", _INTENT % 17)
    place.write(".git/mlver/.mlver-tmp-a1", _INTENT % 17)
    place.write("data/.mlver-tmp-a2", "half a f")
    place.write("data/.mlver-tmp-a3", "half a file")
    (place.path / "data/link").symlink_to("a.txt")
    return place


def _flip_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def _find_one(place: WorkPlace, pattern: str) -> Path:
    return next(path for path in sorted(place.path.glob(pattern)) if path.is_file())


def _retarget_link(place: WorkPlace) -> None:
    (place.path / "data/link").unlink()
    (place.path / "data/link").symlink_to("b.txt")


_DAMAGES: dict[str, Callable[[WorkPlace], object]] = {
    "stored object": lambda place: _flip_bit(_find_one(place, ".git/mlver/packs/*.pack")),
    "index of a pack": lambda place: _flip_bit(_find_one(place, ".git/mlver/packs/*.idx")),
    "object of git": lambda place: _flip_bit(_find_one(place, ".git/objects/??/*")),
    "record": lambda place: _flip_bit(_find_one(place, ".mlver/models/m/versions/*.yaml")),
    "working file": lambda place: _flip_bit(place.path / "data/a.txt"),
    "half of a file": lambda place: _flip_bit(place.path / "data/.mlver-tmp-a2"),
    "intent": lambda place: place.write(".git/mlver/intent.json", _INTENT[:-9] % 17),
    "missing file": lambda place: (place.path / "data/b.txt").unlink(),
    "lock": lambda place: place.write(".git/index.lock", ""),
    "moved tag": lambda place: place.git("tag", "--force", "m@v1.1.0", "HEAD~1"),
    "staged file": lambda place: place.git("update-index", "--force-remove", "README.md"),
    "permission": lambda place: (place.path / "data/a.txt").chmod(0o755),
    "empty folder": lambda place: (place.path / "data/empty").mkdir(),
    "link": _retarget_link,
}


@pytest.mark.parametrize("damage", _DAMAGES.values(), ids=_DAMAGES)
def test_a_damaged_state_is_not_taken_for_the_one_that_was_judged(
    damage: Callable[[WorkPlace], object], judged: WorkPlace
) -> None:
    before = oracle.hash_place(judged)
    damage(judged)
    assert oracle.hash_place(judged) != before


def test_what_names_a_process_or_a_moment_makes_no_other_state(
    judged: WorkPlace, tmp_path: Path
) -> None:
    copy = ground.copy_place(judged.path, tmp_path / "copy", share=True)
    for name in ("intent.json", ".mlver-tmp-a1"):
        copy.write(f".git/mlver/{name}", _INTENT % 1_234)
    # the other one comes first now
    (copy.path / "data/.mlver-tmp-a2").rename(copy.path / "data/.mlver-tmp-a4")
    copy.write(".git/mlver/lock", '{"pid": 1234}')
    (copy.path / "README.md").touch()
    copy.git("update-index", "--refresh")
    assert oracle.hash_place(copy) == oracle.hash_place(judged)
