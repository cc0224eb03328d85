"""Contents on their way to a remote: what is stored, confirmed, skipped and refused."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.storage.recipes import PART_BYTES, parse_recipe
from mlver.storage.remote.blobs import BlobSource, BytesBlob, PutOutcome
from mlver.storage.remote.catalogue import part_key, recipe_key
from mlver.storage.remote.directory import DirectoryBlobs, init_directory
from mlver.storage.remote.team_store import Confirmation, TransferOptions
from tests.storage.remote.faulty import Fault, FaultyBlobs, damage_blob
from tests.storage.remote.memory import MemoryBlobs
from tests.storage.remote.transfers import (
    KINDS,
    LARGE,
    ONE_JOB,
    CountingBlobs,
    Team,
    call_faults,
    cut_smaller,
    damage_file,
    loose_path,
    make_content,
    with_stall,
)


@pytest.fixture
def memory() -> MemoryBlobs:
    return MemoryBlobs()


@pytest.fixture
def team(memory: MemoryBlobs, tmp_path: Path) -> Team:
    return Team(memory, tmp_path)


def list_folders(memory: MemoryBlobs) -> dict[str, int]:
    folders: dict[str, int] = {}
    for key in memory.contents:
        folder = key.partition("/")[0]
        folders[folder] = folders.get(folder, 0) + 1
    return folders


@pytest.mark.parametrize("jobs", [1, 8])
def test_every_kind_arrives_and_comes_back(team: Team, memory: MemoryBlobs, jobs: int) -> None:
    wanted = team.store(*KINDS.values())
    steps: list[int] = []
    expected: list[int] = []
    options = TransferOptions(jobs=jobs, progress=steps.append, expect=expected.append)
    report = team.push(wanted, options=options)
    assert list_folders(memory) == {"packs": 2, "objects": 2, "parts": 3, "recipes": 1}
    total = sum(wanted.values())
    assert (report.objects, report.bytes_total) == (len(KINDS), total)
    assert report.bytes_sent == sum(map(len, memory.contents.values()))
    assert report.confirmed is Confirmation.READ_BACK
    assert expected == [sum(steps)] == [total]
    assert all(len(data) <= PART_BYTES for data in memory.contents.values())
    arrived = team.pull(wanted, options=TransferOptions(jobs=jobs))
    assert (arrived.objects, arrived.missing, arrived.wrong) == (len(KINDS), frozenset(), {})
    assert team.has_contents(list(KINDS.values()))


def test_every_key_is_the_digest_of_what_it_names(team: Team, memory: MemoryBlobs) -> None:
    (digest,) = team.store(LARGE)
    team.push({digest: len(LARGE)})
    recipe = parse_recipe(memory.contents[recipe_key(digest.hex)], digest.hex, "r")
    joined = b"".join(memory.contents[part_key(part.sha256)] for part in recipe.parts)
    assert joined == LARGE
    for key, data in memory.contents.items():
        if key.startswith("parts/"):
            assert key == part_key(hashlib.sha256(data).hexdigest())


def test_pushing_again_asks_once_and_sends_nothing(team: Team, memory: MemoryBlobs) -> None:
    wanted = team.store(*KINDS.values(), *(b"%d" % number for number in range(3000)))
    team.push(wanted)
    counting = CountingBlobs(memory)
    report = Team(counting, team.folder).push(wanted)
    assert counting.calls == [("list_blobs", "")]
    assert (report.objects, report.bytes_sent, report.confirmed) == (0, 0, None)
    # Somebody who has never asked before reads indexes and recipes once.
    fresh = Team(counting, team.folder)
    for count in (2, 0):
        counting.calls.clear()
        assert fresh.open_remote("lee").find_missing(wanted) == set()
        assert counting.count("get_range") == count


def test_what_asking_found_is_used_by_the_upload_that_follows(
    team: Team, memory: MemoryBlobs
) -> None:
    wanted = team.store(b"one", b"two")
    counting = CountingBlobs(memory)
    remote = Team(counting, team.folder).open_remote()
    assert remote.find_missing(wanted) == wanted.keys()
    remote.upload(team.open_store("kim"), wanted)
    assert counting.count("list_blobs") == 1
    remote.upload(team.open_store("kim"), wanted)
    assert counting.count("list_blobs") == 2


def test_only_parts_that_are_not_there_are_sent(team: Team, memory: MemoryBlobs) -> None:
    changed = LARGE[:-1] + b"!"
    team.push(team.store(LARGE))
    report = team.push(team.store(changed))
    assert report.objects == 1
    assert 77 < report.bytes_sent < 2000
    assert list_folders(memory) == {"parts": 4, "recipes": 2}


def test_equal_parts_of_a_content_are_sent_once(team: Team, memory: MemoryBlobs) -> None:
    zeros = bytes(5 * PART_BYTES)
    team.push(team.store(zeros), options=ONE_JOB)
    assert list_folders(memory) == {"parts": 1, "recipes": 1}


# -- what is wrong here


@pytest.mark.parametrize("kind", ["small", "object", "large"])
def test_a_damaged_object_is_never_sent_under_its_name(
    team: Team, memory: MemoryBlobs, kind: str
) -> None:
    wanted = team.store(KINDS[kind])
    (digest,) = wanted
    if kind == "small":
        (pack,) = (team.folder / "kim/mlver/packs").glob("*.pack")
        damage_file(pack, 600)
    else:
        damage_file(loose_path(team, digest), wanted[digest] - 1)
    with pytest.raises(ObjectDamaged, match=digest.hex):
        team.push(wanted)
    assert list_folders(memory).keys() <= {"parts"}
    assert team.open_remote().find_missing(wanted) == {digest}


def test_an_object_that_was_cut_is_damaged(team: Team) -> None:
    wanted = team.store(LARGE)
    (digest,) = wanted
    path = loose_path(team, digest)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.truncate(PART_BYTES + 1)
    with pytest.raises(ObjectDamaged, match=digest.hex):
        team.push(wanted)


def test_what_is_not_here_is_named_before_anything_is_sent(team: Team, memory: MemoryBlobs) -> None:
    wanted = team.store(b"here")
    absent = Digest.of_bytes(b"absent")
    with pytest.raises(ObjectMissing, match=absent.hex):
        team.push({**wanted, absent: 6})
    assert memory.contents == {}


def test_a_wrong_size_is_told_from_damage(team: Team) -> None:
    (digest,) = team.store(LARGE)
    with pytest.raises(MlverError, match="are recorded for it") as caught:
        team.push({digest: len(LARGE) + 1})
    assert not isinstance(caught.value, ObjectDamaged)


# -- servers that fail, forget or lie

FEW = (b"small", b"other", make_content(1 << 20), make_content((5 << 20) // 2))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    cut_smaller(monkeypatch, 1 << 20)


def push_few(blobs: FaultyBlobs, folder: Path) -> None:
    team = Team(blobs, folder)
    team.push(team.store(*FEW), options=ONE_JOB)


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.ANSWER_LOST, Fault.CUT])
@pytest.mark.usefixtures("small_parts")
def test_an_upload_survives_each_single_failure(tmp_path: Path, fault: Fault) -> None:
    for number in call_faults(lambda blobs: push_few(blobs, tmp_path)):
        faulty = FaultyBlobs(MemoryBlobs(), {number: fault})
        push_few(faulty, tmp_path)
        reader = Team(faulty.inner, tmp_path / str(number))
        wanted = {Digest.of_bytes(content): len(content) for content in FEW}
        assert reader.pull(wanted).objects == len(FEW)


@pytest.mark.usefixtures("small_parts")
def test_an_upload_that_is_given_up_is_completed_by_the_next(tmp_path: Path) -> None:
    for number in call_faults(lambda blobs: push_few(blobs, tmp_path)):
        faults = dict.fromkeys(range(number, number + 4), Fault.REFUSED)
        faulty = FaultyBlobs(MemoryBlobs(), faults)
        with pytest.raises(MlverError, match="Slow Down"):
            push_few(faulty, tmp_path)
        for key, data in faulty.inner.contents.items():
            assert not key.startswith("parts/") or key.endswith(hashlib.sha256(data).hexdigest())
        faulty.faults = {}
        push_few(faulty, tmp_path)
        assert (
            Team(faulty.inner, tmp_path)
            .open_remote("new")
            .find_missing({Digest.of_bytes(content): len(content) for content in FEW})
            == set()
        )


@pytest.mark.usefixtures("small_parts")
def test_a_failure_tells_what_was_done(tmp_path: Path) -> None:
    faulty = FaultyBlobs(MemoryBlobs(), dict.fromkeys(range(8, 99), Fault.REFUSED))
    with pytest.raises(MlverError, match=r"Slow Down; [0-9,]+ of [0-9,]+ bytes are confirmed"):
        push_few(faulty, tmp_path)


@pytest.mark.usefixtures("small_parts")
def test_what_a_server_acknowledged_and_forgot_is_noticed(tmp_path: Path) -> None:
    calls = FaultyBlobs(MemoryBlobs())
    push_few(calls, tmp_path)
    puts = [number for number, name in enumerate(calls.calls) if name == "put"]
    assert len(puts) == 7
    for number in puts:
        faulty = FaultyBlobs(MemoryBlobs(), {number: Fault.FORGOTTEN})
        push_few(faulty, tmp_path)
        assert faulty.calls.count("replace") == 1
        assert len(faulty.inner.contents) == 7
        faulty = FaultyBlobs(MemoryBlobs(), dict.fromkeys(range(number, 99), Fault.FORGOTTEN))
        with pytest.raises(MlverError, match=r"accepted .* but does not have it whole"):
            push_few(faulty, tmp_path)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("folder", ["objects/", "packs/", "parts/", "recipes/"])
def test_what_a_server_stored_with_other_bytes_is_noticed(
    team: Team, memory: MemoryBlobs, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    put_blob, replace_blob = memory.put_blob, memory.replace_blob

    def put_and_damage(key: str, source: BlobSource) -> PutOutcome:
        outcome = put_blob(key, source)
        if key.startswith(folder):
            memory.contents[key] = bytes(len(memory.contents[key]))
        return outcome

    def replace_and_damage(key: str, source: BlobSource) -> None:
        replace_blob(key, source)
        if key.startswith(folder):
            memory.contents[key] = bytes(len(memory.contents[key]))

    monkeypatch.setattr(memory, "put_blob", put_and_damage)
    wanted = team.store(*FEW)
    with monkeypatch.context() as patch:
        patch.setattr(memory, "replace_blob", replace_and_damage)
        with pytest.raises(MlverError, match=r"accepted .* but does not have it whole"):
            team.push(wanted, options=ONE_JOB)
        # Nothing that looks well by its size is left to be believed.
        assert not [key for key in memory.contents if key.startswith(folder)]
    # What was damaged on its way once is sent again at once.
    team.push(wanted)
    assert team.pull(wanted).objects == len(FEW)


def test_a_server_that_checks_is_believed_unless_told_otherwise(
    team: Team, memory: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "confirms_content", lambda: True)
    counting = CountingBlobs(memory)
    checked = Team(counting, team.folder)
    report = checked.push(checked.store(LARGE))
    assert report.confirmed is Confirmation.CHECKED
    assert counting.count("get_range") == 0
    report = checked.push(checked.store(b"small"), options=TransferOptions(read_back=True))
    assert report.confirmed is Confirmation.READ_BACK
    assert counting.count("get_range", "packs/") == 2


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("folder", ["objects/", "packs/", "parts/", "recipes/"])
@pytest.mark.parametrize("checks", [True, False])
def test_a_damaged_blob_that_was_there_is_replaced(
    team: Team, memory: MemoryBlobs, monkeypatch: pytest.MonkeyPatch, folder: str, checks: bool
) -> None:
    monkeypatch.setattr(memory, "confirms_content", lambda: checks)
    wanted = team.store(*FEW)
    team.push(wanted)
    keys = [key for key in memory.contents if key.startswith(folder)]
    # They are no longer listed when the upload asks, and there again when it sends.
    before = {key: memory.contents.pop(key) for key in keys}
    put_blob = memory.put_blob

    def appear_damaged(key: str, source: BlobSource) -> PutOutcome:
        if key in before and key not in memory.contents:
            memory.replace_blob(key, BytesBlob(before[key]))
            damage_blob(memory, key, 0)
        return put_blob(key, source)

    monkeypatch.setattr(memory, "put_blob", appear_damaged)
    team.push(wanted)
    for key in keys:
        assert memory.contents[key] == before[key]


@pytest.mark.usefixtures("small_parts")
def test_what_gc_condemned_is_stored_anew(team: Team, memory: MemoryBlobs) -> None:
    wanted = team.store(*FEW)
    team.push(wanted)
    keys = team.open_remote().survey(wanted).list_keys(wanted)
    assert keys == memory.contents.keys()
    before = {key: memory.stat_blob(key).stored for key in keys}
    contents = dict(memory.contents)
    report = team.push(wanted, options=replace(ONE_JOB, renew=frozenset(keys)))
    assert report.objects == len(FEW)
    assert memory.contents == contents
    assert all(memory.stat_blob(key).stored > before[key] for key in keys)


@pytest.mark.usefixtures("small_parts")
def test_two_people_push_the_same_at_once(tmp_path: Path) -> None:
    init_directory(tmp_path / "shared")
    team = Team(DirectoryBlobs(tmp_path / "shared"), tmp_path)
    people = ["kim", "lee", "max"]
    wanted = team.store(*FEW)
    for person in people[1:]:
        team.store(*FEW, person=person)
    with ThreadPoolExecutor(3) as pool:
        reports = list(pool.map(lambda person: team.push(wanted, person), people))
    assert {report.bytes_total for report in reports} == {sum(wanted.values())}
    assert team.pull(wanted, "new").objects == len(FEW)


def test_a_stall_ends_in_a_message(
    team: Team, memory: MemoryBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    monkeypatch.setattr(memory, "put_blob", lambda *_: release.wait(30))
    try:
        with pytest.raises(MlverError, match="nothing came through to memory") as caught:
            team.push(team.store(b"small"), options=with_stall(0.3))
        assert "run the same command again" in caught.value.message
    finally:
        release.set()
