"""What a remote has, found with few requests, and nothing believed from yesterday."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.storage.remote import survey
from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.catalogue import object_key
from tests.storage.remote.faulty import damage_blob
from tests.storage.remote.memory import MemoryBlobs
from tests.storage.remote.transfers import CountingBlobs, Team, cut_smaller, make_content

LARGE = make_content((5 << 20) // 2)
OBJECT = make_content(1 << 20)
FEW = (b"small", b"other", OBJECT, LARGE)
WANTED = {Digest.of_bytes(content): len(content) for content in FEW}


@pytest.fixture
def counting() -> CountingBlobs:
    return CountingBlobs(MemoryBlobs())


@pytest.fixture
def team(counting: CountingBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    cut_smaller(monkeypatch, 1 << 20)
    team = Team(counting, tmp_path)
    team.push(team.store(*FEW))
    counting.calls.clear()
    return team


def get_memory(team: Team) -> MemoryBlobs:
    assert isinstance(team.blobs, CountingBlobs)
    assert isinstance(team.blobs.inner, MemoryBlobs)
    return team.blobs.inner


def find_key(team: Team, folder: str, suffix: str = "") -> str:
    keys = get_memory(team).contents
    return min(key for key in keys if key.startswith(folder) and key.endswith(suffix))


def find_missing(team: Team, person: str = "kim") -> set[Digest]:
    return set(team.open_remote(person).find_missing(WANTED))


@pytest.mark.parametrize("person", ["kim", "new"])
@pytest.mark.parametrize(
    ("folder", "suffix", "lost"),
    [
        ("packs/", ".pack", 2),
        ("packs/", ".idx", 2),
        ("objects/", "", 1),
        ("parts/", "", 1),
        ("recipes/", "", 1),
    ],
)
@pytest.mark.parametrize("harm", ["gone", "shorter", "longer"])
def test_what_changed_since_is_noticed_by_who_asked_before_and_by_who_did_not(
    team: Team, person: str, folder: str, suffix: str, lost: int, harm: str
) -> None:
    memory = get_memory(team)
    assert find_missing(team, person) == set()
    key = find_key(team, folder, suffix)
    data = memory.contents[key]
    if harm == "gone":
        memory.delete_blob(key)
    else:
        memory.replace_blob(key, BytesBlob(data[:-1] if harm == "shorter" else data + b"x"))
    assert len(find_missing(team, person)) == lost
    team.push(WANTED)
    assert find_missing(team, person) == find_missing(team, "fresh") == set()
    assert team.pull(WANTED, "lee").objects == len(FEW)


def test_a_recipe_that_was_replaced_is_read_again(team: Team) -> None:
    key = find_key(team, "recipes/")
    assert find_missing(team) == set()
    damage_blob(get_memory(team), key, 40)
    assert find_missing(team) == {Digest.of_bytes(LARGE)}


@pytest.mark.parametrize("content", [b"", b"rubbish", b"x" * 500])
def test_a_cache_that_somebody_spoiled_does_no_harm(team: Team, content: bytes) -> None:
    cache = team.folder / "kim/cache"
    kept = list(cache.iterdir())
    assert len(kept) == 2
    for path in kept:
        path.write_bytes(content)
    assert find_missing(team) == set()
    for path in kept:
        path.unlink()
        path.mkdir()
    assert find_missing(team) == set()


@pytest.fixture
def crowded(team: Team, monkeypatch: pytest.MonkeyPatch) -> Team:
    """A remote with more blobs than are listed at once."""
    monkeypatch.setattr(survey, "_LIST_MOST", 20)
    memory = get_memory(team)
    for number in range(40):
        memory.put_blob(object_key(f"ab{number:062x}"), BytesBlob(b"x" * (1 << 20)))
    memory.put_blob("objects/ab/stranger", BytesBlob(b"x"))
    return team


def test_a_crowded_remote_is_asked_for_what_is_wanted(
    crowded: Team, counting: CountingBlobs
) -> None:
    assert find_missing(crowded) == set()
    assert counting.count("list_blobs") == 2
    assert counting.count("stat_blob") == 5
    assert counting.count("get_range") == 0
    get_memory(crowded).delete_blob(find_key(crowded, "parts/"))
    assert find_missing(crowded) == {Digest.of_bytes(LARGE)}
    report = crowded.push(WANTED)
    assert report.bytes_sent < (1 << 20) + 2000
    assert find_missing(crowded) == set()


def test_many_of_one_folder_are_listed_instead_of_asked_for(
    crowded: Team, counting: CountingBlobs
) -> None:
    wanted = {Digest(f"ab{number:062x}"): 1 << 20 for number in range(50)}
    missing = crowded.open_remote().find_missing(wanted)
    assert len(missing) == 10
    assert counting.count("stat_blob") <= 2 * 10
    assert counting.count("list_blobs", "objects/ab/") == 1


@pytest.mark.usefixtures("crowded")
def test_a_content_is_found_where_another_version_put_it(team: Team) -> None:
    content = make_content(3 << 20, 7)
    digest = Digest.of_bytes(content)
    get_memory(team).put_blob(object_key(digest.hex), BytesBlob(content))
    assert team.open_remote().find_missing({digest: len(content)}) == set()
    assert team.pull({digest: len(content)}).objects == 1


def test_a_size_that_is_not_the_recorded_one_is_another_content(team: Team) -> None:
    wanted = {digest: size + 1 for digest, size in WANTED.items()}
    assert team.open_remote().find_missing(wanted) == wanted.keys()
    report = team.pull(wanted)
    assert report.objects == 0
    assert len(report.wrong) == 2
    assert len(report.missing) == 2
