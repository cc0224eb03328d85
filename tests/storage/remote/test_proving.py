"""What a remote has already is read back where that is asked for, and repaired."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import ObjectMissing
from mlver.storage import packs
from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.catalogue import object_key
from mlver.storage.remote.team_store import Confirmation
from tests.storage.remote.memory import MemoryBlobs
from tests.storage.remote.transfers import (
    ONE_JOB,
    CountingBlobs,
    Team,
    cut_smaller,
    make_content,
)

SMALL = (b"small", b"other", b"")
OBJECT = make_content(1 << 20)
LARGE = make_content((5 << 20) // 2)
FEW = (*SMALL, OBJECT, LARGE)
VERIFY = replace(ONE_JOB, read_back=True)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_smaller(monkeypatch, 1 << 20)


@pytest.fixture
def memory() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def team(memory: MemoryBlobs, tmp_path: Path) -> Team:
    team = Team(memory, tmp_path)
    team.push(team.store(*FEW))
    return team


def list_wanted() -> dict[Digest, int]:
    return {Digest.of_bytes(content): len(content) for content in FEW}


def rot_blob(memory: MemoryBlobs, key: str, offset: int) -> None:
    """Flip a bit as a disk does: the listing stays as it was."""
    data = bytearray(memory.contents[key])
    data[offset] ^= 1
    memory.contents[key] = bytes(data)


def test_a_sound_remote_is_read_once_and_left_alone(team: Team, memory: MemoryBlobs) -> None:
    counting = CountingBlobs(memory)
    steps: list[int] = []
    expected: list[int] = []
    options = replace(VERIFY, progress=steps.append, expect=expected.append)
    before = dict(memory.contents)
    report = Team(counting, team.folder).push(list_wanted(), options=options)
    assert (report.objects, report.repaired, report.bytes_sent) == (0, 0, 0)
    assert report.confirmed is None
    assert expected == [sum(steps)] == [sum(map(len, FEW))]
    assert memory.contents == before
    assert counting.count("put_blob") == counting.count("replace_blob") == 0
    # Another person, who has read nothing yet, pays for what leads to the contents once more.
    assert counting.count("get_range", "parts/") == 3
    assert counting.count("get_range", "objects/") == 1
    assert counting.count("get_range", "packs/") == 2


@pytest.mark.parametrize("folder", ["objects", "recipes", "parts", "index", "pack"])
@pytest.mark.parametrize("jobs", [1, 8])
def test_what_is_damaged_there_is_repaired(
    team: Team, memory: MemoryBlobs, folder: str, jobs: int
) -> None:
    kinds = {"index": (packs.INDEX, len(SMALL)), "pack": (packs.PACK, 1)}
    suffix, repaired = kinds.get(folder, ("", 1))
    top = "packs" if suffix else folder
    keys = [key for key in memory.contents if key.startswith(top) and key.endswith(suffix)]
    rot_blob(memory, min(keys), packs.BLOCK if folder == "pack" else 70)
    wanted = list_wanted()
    steps: list[int] = []
    expected: list[int] = []
    options = replace(VERIFY, jobs=jobs, progress=steps.append, expect=expected.append)
    report = team.push(wanted, options=options)
    assert (report.repaired, report.objects) == (repaired, repaired)
    assert report.confirmed is Confirmation.READ_BACK
    assert expected == [sum(steps)] == [sum(map(len, FEW))]
    assert team.push(wanted, options=VERIFY).repaired == 0
    assert team.pull(wanted).objects == len(FEW)
    assert team.has_contents(FEW)


def test_a_sound_copy_beside_a_damaged_one_is_enough(team: Team, memory: MemoryBlobs) -> None:
    (index,) = [key for key in memory.contents if key.endswith(packs.INDEX)]
    other = MemoryBlobs()
    elsewhere = Team(other, team.folder / "elsewhere")
    elsewhere.push(elsewhere.store(b"small"))
    for key, data in other.contents.items():
        memory.put_blob(key, BytesBlob(data))
    member = packs.find_member(memory.contents[index], Digest.of_bytes(b"small").hex)
    assert member is not None
    rot_blob(memory, index.replace(packs.INDEX, packs.PACK), member.offset)
    assert team.push(list_wanted(), options=VERIFY).repaired == 0


def test_whoever_lacks_the_bytes_is_told_which_they_are(team: Team, memory: MemoryBlobs) -> None:
    digest = Digest.of_bytes(OBJECT)
    rot_blob(memory, object_key(digest.hex), 5)
    team.store(*SMALL, LARGE, person="lee")
    with pytest.raises(ObjectMissing, match=digest.hex):
        team.push(list_wanted(), person="lee", options=VERIFY)
