"""Contents on their way from a remote: nothing wrong is accepted, nothing comes twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, NewerFormat
from mlver.storage.local import pack_parts
from mlver.storage.recipes import Part, Recipe, format_recipe
from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.catalogue import object_key, part_key, recipe_key
from mlver.storage.remote.team_store import DownloadReport, TransferOptions
from mlver.system import copying
from tests.storage.remote.faulty import Fault, FaultyBlobs, damage_blob
from tests.storage.remote.memory import MemoryBlobs
from tests.storage.remote.transfers import (
    ONE_JOB,
    CountingBlobs,
    Team,
    cut_smaller,
    list_partials,
    make_content,
)

LARGE = make_content((5 << 20) // 2)
FEW = (b"small", b"other", make_content(1 << 20), LARGE)
WANTED = {Digest.of_bytes(content): len(content) for content in FEW}
LARGE_DIGEST = Digest.of_bytes(LARGE)
ALL = TransferOptions()


@pytest.fixture(autouse=True, params=["through the system's memory", "past it"])
def small_parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    cut_smaller(monkeypatch, 1 << 20)
    if request.param == "past it":
        monkeypatch.setattr(copying, "DIRECT_BYTES", 0)


@pytest.fixture
def memory() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def team(memory: MemoryBlobs, tmp_path: Path) -> Team:
    team = Team(memory, tmp_path)
    team.push(team.store(*FEW))
    return team


def pull_from(blobs: object, folder: Path) -> DownloadReport:
    return Team(blobs, folder).pull(WANTED, options=ONE_JOB)


def test_progress_is_what_was_expected(team: Team) -> None:
    steps: list[int] = []
    expected: list[int] = []
    absent = Digest.of_bytes(b"absent")
    report = team.pull(
        {**WANTED, absent: 6},
        options=replace(ALL, progress=steps.append, expect=expected.append),
    )
    assert expected == [sum(steps)] == [sum(WANTED.values())]
    assert (report.objects, report.missing) == (len(FEW), frozenset({absent}))
    assert list_partials(team) == []


def test_many_small_contents_are_read_together(memory: MemoryBlobs, tmp_path: Path) -> None:
    counting = CountingBlobs(memory)
    team = Team(counting, tmp_path)
    contents = [b"%d" % number * 50 for number in range(5000)]
    wanted = team.store(*contents)
    team.push(wanted)
    counting.calls.clear()
    assert team.pull(wanted).objects == 5000
    packs = sum(key.endswith(".pack") for key in memory.contents)
    assert counting.count("get_range", "packs/") <= 3 * packs
    assert len(counting.calls) <= 1 + 3 * packs
    assert team.has_contents(contents)


def test_a_few_of_many_are_read_without_the_others(memory: MemoryBlobs, tmp_path: Path) -> None:
    team = Team(memory, tmp_path)
    contents = [make_content(300_000, number) for number in range(12)]
    team.push(team.store(*contents))
    wanted = {Digest.of_bytes(content): len(content) for content in (contents[0], contents[9])}
    report = team.pull(wanted)
    assert report.bytes_received < 800_000


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.CUT])
def test_a_download_survives_each_single_failure(team: Team, fault: Fault) -> None:
    calls = FaultyBlobs(team.blobs)  # type: ignore[arg-type]
    pull_from(calls, team.folder / "sound")
    for number in range(len(calls.calls)):
        faulty = FaultyBlobs(team.blobs, {number: fault})  # type: ignore[arg-type]
        folder = team.folder / f"f{number}"
        assert pull_from(faulty, folder).objects == len(FEW)
        assert Team(faulty, folder).has_contents(FEW)


def test_no_flipped_bit_is_accepted(team: Team) -> None:
    calls = FaultyBlobs(team.blobs)  # type: ignore[arg-type]
    pull_from(calls, team.folder / "sound")
    gets = [number for number, name in enumerate(calls.calls) if name == "get"]
    assert len(gets) == 7
    for number in gets:
        faulty = FaultyBlobs(team.blobs, {number: Fault.WRONG_BYTES})  # type: ignore[arg-type]
        folder = team.folder / f"f{number}"
        report = pull_from(faulty, folder)
        # A recipe that was read wrongly is read again, for it may be elsewhere than expected.
        assert report.objects < len(FEW) or number == gets[1]
        assert report.objects + len(report.wrong) + len(report.missing) == len(FEW)
        store = Team(faulty, folder).open_store("lee")
        assert list(store.verify_objects()) == []
        assert store.find_missing(WANTED) == report.wrong.keys() | report.missing
        assert pull_from(faulty, folder).objects == len(FEW)


@pytest.mark.parametrize("folder", ["objects/", "packs/", "parts/", "recipes/"])
def test_what_is_wrong_on_the_remote_is_named_and_the_rest_comes(
    team: Team, memory: MemoryBlobs, folder: str
) -> None:
    key = min(key for key in memory.contents if key.startswith(folder) and "idx" not in key)
    damage_blob(memory, key, 512 if folder == "packs/" else 40)
    report = team.pull(WANTED, "new")
    assert report.wrong
    assert all(place.startswith(f"memory/{key} ") for place in report.wrong.values())
    assert report.objects == len(FEW) - len(report.wrong)


def test_another_copy_serves_where_one_is_wrong(team: Team, memory: MemoryBlobs) -> None:
    small = Digest.of_bytes(b"small")
    (pack,) = [key for key in memory.contents if key.endswith(".pack")]
    memory.put_blob(object_key(small.hex), BytesBlob(b"small"))
    before = memory.contents[pack]
    memory.replace_blob(pack, BytesBlob(bytes(len(before))))
    report = team.pull({small: 5})
    # An object that lies elsewhere than expected is found only where nothing else was.
    assert report.objects + len(report.wrong) == 1
    memory.delete_blob(pack)
    assert team.pull({small: 5}).objects == 1


def test_what_went_since_it_was_listed_is_missing(team: Team, memory: MemoryBlobs) -> None:
    remote = team.open_remote()
    remote.find_missing(WANTED)
    for key in list(memory.contents):
        if not key.startswith("recipes/"):
            memory.delete_blob(key)
    with team.open_store("lee").open_deposit() as intake:
        report = remote.download(WANTED, intake)
    assert (report.objects, report.wrong) == (0, {})
    assert report.missing == WANTED.keys()


def test_a_recipe_that_lacks_a_part_does_not_count(team: Team, memory: MemoryBlobs) -> None:
    key = min(key for key in memory.contents if key.startswith("parts/"))
    memory.contents[key] = memory.contents[key][:-1]
    remote = team.open_remote("new")
    assert remote.find_missing(WANTED) == {LARGE_DIGEST}
    report = team.pull(WANTED)
    assert "lacks part" in report.wrong[LARGE_DIGEST]
    team.push(WANTED)
    assert team.pull(WANTED).objects == len(FEW)


def put_recipe(memory: MemoryBlobs, recipe: Recipe) -> None:
    memory.replace_blob(recipe_key(recipe.sha256), BytesBlob(format_recipe(recipe)))


def test_a_recipe_of_other_parts_is_found_out(team: Team, memory: MemoryBlobs) -> None:
    parts = []
    for number in range(3):
        data = make_content((1 << 20) - 77, number)
        digest = Digest.of_bytes(data).hex
        memory.put_blob(part_key(digest), BytesBlob(data))
        parts.append(Part(digest, len(data), number * len(data)))
    whole = Digest(LARGE_DIGEST.hex)
    size = sum(part.size for part in parts)
    put_recipe(memory, Recipe(whole.hex, size, tuple(parts)))
    report = team.pull({whole: size})
    assert "has other bytes" in report.wrong[whole]
    assert team.open_store("lee").find_missing([whole]) == {whole}
    # From a remote that has the right ones, it comes all the same.
    assert Team(team.blobs, team.folder).pull({**WANTED, whole: len(LARGE)}).wrong.keys() == {whole}


def test_an_encoding_that_cannot_be_read_is_named(team: Team, memory: MemoryBlobs) -> None:
    small = Digest.of_bytes(b"absent")
    part = Part("ab" * 32, 6, 0, "xor-planes-zstd", "cd" * 32)
    put_recipe(memory, Recipe(small.hex, 6, (part,)))
    with pytest.raises(NewerFormat, match="xor-planes-zstd"):
        team.pull({**WANTED, small: 6})
    with pytest.raises(NewerFormat, match="xor-planes-zstd"):
        team.open_remote().find_missing({small: 6})


# -- cut off and continued


def test_a_download_goes_on_where_it_was_cut_off(team: Team) -> None:
    wanted = {LARGE_DIGEST: len(LARGE)}
    faulty = FaultyBlobs(team.blobs)  # type: ignore[arg-type]
    cut = Team(faulty, team.folder)
    cut.pull(wanted, "sound", ONE_JOB)
    last = len(faulty.calls) - 1
    faulty.calls.clear()
    faulty.faults = dict.fromkeys(range(last, last + 4), Fault.REFUSED)
    with pytest.raises(MlverError, match="Slow Down; 2,097,152 of 2,621,440 bytes had come"):
        cut.pull(wanted, options=ONE_JOB)
    assert list_partials(team) == [LARGE_DIGEST.hex]
    faulty.faults = {}
    report = cut.pull(wanted, options=ONE_JOB)
    assert (report.objects, report.bytes_received) == (1, 1 << 19)
    assert list_partials(team) == []
    assert team.has_contents([LARGE])


def pull_and_fail(team: Team, wanted: dict[Digest, int]) -> None:
    with team.open_store("lee").open_deposit() as intake:
        team.open_remote().download(wanted, intake)
        raise ZeroDivisionError


def test_what_came_whole_stays_when_the_transfer_fails(team: Team) -> None:
    with pytest.raises(ZeroDivisionError):
        pull_and_fail(team, WANTED)
    assert team.has_contents(FEW[2:])


def test_small_contents_of_a_long_transfer_are_stored_in_between(
    team: Team, memory: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_parts, "PACK_BYTES", 1 << 20)
    contents = [make_content(400_000, number) for number in range(12)]
    wanted = team.store(*contents)
    team.push(wanted)
    with pytest.raises(ZeroDivisionError):
        pull_and_fail(team, wanted)
    store = team.open_store("lee")
    assert len(store.find_missing(wanted)) < 12
    assert list(store.verify_objects()) == []
    team.pull({digest: wanted[digest] for digest in store.find_missing(wanted)})
    assert team.has_contents(contents)


def test_wrong_bytes_of_a_run_before_are_fetched_again(team: Team) -> None:
    partial = team.folder / "lee/mlver/parts" / LARGE_DIGEST.hex
    partial.parent.mkdir(parents=True)
    partial.write_bytes(LARGE[: 1 << 20] + b"?" * (1 << 20) + LARGE[2 << 20 :] + b"more")
    report = team.pull({LARGE_DIGEST: len(LARGE)})
    assert (report.objects, report.bytes_received) == (1, 1 << 20)
    assert team.has_contents([LARGE])


def test_two_pulls_of_one_repository_do_not_mix(team: Team) -> None:
    store = team.open_store("lee")
    with store.open_deposit() as first, store.open_deposit() as second:
        for intake in (first, second):
            assert team.open_remote().download(WANTED, intake).objects == len(FEW)
    assert team.has_contents(FEW)
    assert list_partials(team) == []


def test_a_link_in_place_of_a_partial_is_not_followed(team: Team, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    partial = team.folder / "lee/mlver/parts" / LARGE_DIGEST.hex
    partial.parent.mkdir(parents=True)
    partial.symlink_to(outside)
    with pytest.raises(MlverError, match="storing an object failed"):
        team.pull(WANTED)
    assert outside.read_bytes() == b"mine"
