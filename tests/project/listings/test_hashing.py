"""A prefix hashed here, on executors and in shards: one digest, and nothing read twice."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mlver.errors import InvalidDocument, MlverError, UsageError
from mlver.project.listings import chunks, hashing
from mlver.project.listings.checkpoint import HashingCheckpoint
from mlver.project.listings.chunks import split_chunks
from mlver.project.listings.executors import ExecutorChoice, open_executor
from mlver.project.listings.hashing import HashedPrefix, HashRequest, hash_prefix
from mlver.project.reporter import SilentReporter
from mlver.records.listing import HashedObject, ListedObject, Shard
from mlver.storage.remote.object_hashing import hash_chunk

COUNT = 600


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(COUNT):
        path = tmp_path / f"data/{number % 7}/part-{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"row %d\n" % number)
    return tmp_path / "data"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that are hashed in this process, in the order of their chunks."""
    hashed: list[str] = []

    def count(url: str, options: Any, objects: Any, **rest: Any) -> list[HashedObject]:
        done = hash_chunk(url, options, objects, **rest)
        hashed.extend(item.key for item in objects)
        return done

    monkeypatch.setattr(chunks, "hash_chunk", count)
    return hashed


def run(data: Path, **options: Any) -> HashedPrefix:
    return hash_prefix(HashRequest(url=data.as_uri(), **options), SilentReporter())


def digest_of(found: HashedPrefix) -> str:
    return str(found.to_listing().manifest.digest)


def make_threads() -> Executor:
    return ThreadPoolExecutor(2)


def make_processes() -> Executor:
    return ProcessPoolExecutor(2)


def make_nothing() -> None:
    return None


def fail_to_make() -> Executor:
    raise ValueError("no cluster\x1b[2J here")


class _DyingExecutor(Executor):
    """Its second chunk fails."""

    def __init__(self) -> None:
        self.count = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.count += 1
        future: Future[Any] = Future()
        if self.count == 2:
            future.set_exception(ModuleNotFoundError("No module named 'mlver'"))
        else:
            future.set_result([tuple(item) for item in fn(*args, **kwargs)])
        return future


def make_dying() -> Executor:
    return _DyingExecutor()


NAME = __name__


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "own_executors", sys.modules[NAME])


@pytest.mark.parametrize("factory", ["make_threads", "make_processes"])
def test_an_executor_gives_the_same_digest_as_this_process(folder: Path, factory: str) -> None:
    here = run(folder)
    there = run(folder, chosen=ExecutorChoice(f"own_executors:{factory}"))
    assert there.objects == here.objects
    assert (there.hashed, there.reused) == (here.hashed, here.reused) == (COUNT, 0)


def test_shards_have_every_object_once(folder: Path) -> None:
    shards = [run(folder, shard=Shard(number, 3)) for number in (3, 1, 2)]
    objects = [item for shard in shards for item in shard.objects]
    assert sorted(objects, key=lambda item: item.key.encode()) == list(run(folder).objects)
    assert len({shard.seen for shard in shards}) == 1


def test_a_run_that_was_stopped_half_way_goes_on(
    folder: Path, tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = digest_of(run(folder))
    del reads[:]
    count: Callable[..., list[HashedObject]] = vars(chunks)["hash_chunk"]

    def stop(*arguments: Any, **options: Any) -> list[HashedObject]:
        if len(reads) >= COUNT / 2:
            raise KeyboardInterrupt
        return list(count(*arguments, **options))

    monkeypatch.setattr(chunks, "hash_chunk", stop)
    with pytest.raises(KeyboardInterrupt):
        run(folder, folder=tmp_path / "state")
    first = len(reads)
    assert COUNT / 2 <= first < COUNT * 0.6
    monkeypatch.setattr(chunks, "hash_chunk", count)
    del reads[:]
    found = run(folder, folder=tmp_path / "state")
    assert (digest_of(found), found.hashed, found.reused) == (whole, COUNT - first, first)
    assert len(reads) == COUNT - first < COUNT * 0.6
    assert run(folder, folder=tmp_path / "state").hashed == 0


def test_what_moved_is_read_again_and_nothing_else(
    folder: Path, tmp_path: Path, reads: list[str]
) -> None:
    first = run(folder, folder=tmp_path / "state")
    (folder / "0/part-0").write_bytes(b"other\n")
    (folder / "new").write_bytes(b"new")
    (folder / "1/part-1").unlink()
    del reads[:]
    again = run(folder, folder=tmp_path / "state")
    assert sorted(reads) == ["0/part-0", "new"]
    assert (again.hashed, again.reused) == (2, COUNT - 2)
    assert digest_of(again) != digest_of(first)
    assert digest_of(again) == digest_of(run(folder))
    # of the former state nothing is needed any more
    assert again.checkpoint is not None
    again.checkpoint.drop_older()
    assert len(os.listdir(again.checkpoint.folder)) == 1
    del reads[:]
    assert run(folder, folder=tmp_path / "state").objects == again.objects
    assert reads == []
    assert run(folder, folder=tmp_path / "state", everything=True).hashed == COUNT


def test_objects_of_an_earlier_listing_are_not_read_again(folder: Path, reads: list[str]) -> None:
    first = run(folder)
    del reads[:]
    changed = first.objects[0]._replace(etag="other")
    found = run(folder, known=[changed, *first.objects[1:]])
    assert (reads, found.objects) == ([changed.key], first.objects)
    nameless = [item._replace(etag="", version="") for item in first.objects]
    assert run(folder, known=nameless).hashed == COUNT
    claimed = [item._replace(claimed=True) for item in first.objects]
    assert run(folder, known=claimed).hashed == COUNT


def test_a_torn_or_foreign_line_counts_as_not_written(folder: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    first = run(folder, folder=state)
    assert first.checkpoint is not None
    path = first.checkpoint.path
    lines = path.read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if line.strip()]
    # cut off in the midst of a line, and one that somebody else wrote
    signature, _, noted = kept[1].partition(b" ")
    forged = re.sub(rb'"[0-9a-f]{64}"', b'"%b"' % (b"0" * 64), noted)
    path.write_bytes(b"".join(kept[:-1]) + kept[-1][:50])
    again = run(folder, folder=state)
    assert 0 < again.hashed <= COUNT // 20
    assert again.objects == first.objects
    path.write_bytes(signature + b" " + forged + b"\n[\xff\n" + b"x " * 9000)
    found = run(folder, folder=state)
    assert (found.hashed, found.objects) == (COUNT, first.objects)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(MlverError):
        HashingCheckpoint.open_below(state, first.url, first.seen).add_chunk(first.objects)


def test_a_checkpoint_of_another_prefix_is_not_believed(folder: Path, tmp_path: Path) -> None:
    found = run(folder, folder=tmp_path / "state")
    assert found.checkpoint is not None
    other = HashingCheckpoint(found.checkpoint.folder, "s3://other", found.seen)
    assert len(list(found.checkpoint.read_objects())) == COUNT
    assert list(other.read_objects()) == []


def test_a_failure_of_a_worker_is_told_and_keeps_what_was_done(
    folder: Path, tmp_path: Path
) -> None:
    chosen = ExecutorChoice("own_executors:make_dying")
    with pytest.raises(MlverError, match="a worker of the executor failed: ModuleNotFoundError"):
        run(folder, folder=tmp_path / "state", chosen=chosen)
    assert run(folder, folder=tmp_path / "state").reused > 0


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        (ExecutorChoice("own_executors"), "takes module:function"),
        (ExecutorChoice("../x:y"), "takes module:function"),
        (ExecutorChoice("no_such_module:make"), "No module named"),
        (ExecutorChoice("own_executors:nothing"), "has no function nothing"),
        (ExecutorChoice("own_executors:COUNT"), "has no function COUNT"),
        (ExecutorChoice("own_executors:make_nothing"), "returned no concurrent.futures"),
        (ExecutorChoice("own_executors:fail_to_make"), r"made no executor: ValueError: no cl"),
        (ExecutorChoice("a:b", "tcp://x"), "give one of them"),
    ],
)
def test_a_wrong_choice_is_refused(choice: ExecutorChoice, says: str) -> None:
    with pytest.raises(MlverError, match=says) as refused, open_executor(choice):
        pass
    assert "\x1b" not in refused.value.message


def test_chunks_are_bounded_by_count_and_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    def sizes(objects: Iterator[ListedObject]) -> list[int]:
        return [len(chunk) for chunk in split_chunks(list(objects))]

    assert set(sizes(ListedObject(f"{n}", 1) for n in range(32_000))) == {500}
    assert max(sizes(ListedObject(f"{n}", 1) for n in range(320))) == 10
    assert set(sizes(ListedObject(f"{n}", 1 << 30) for n in range(32_000))) == {8}
    assert sizes(iter(())) == []
    assert sizes(ListedObject(f"{n}", 1) for n in range(3)) == [3]


def test_keys_that_no_manifest_can_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [ListedObject("a/../b", 1), ListedObject("ok", 1), ListedObject("x//y\x1b", 1)]
    monkeypatch.setattr(hashing, "list_prefix", lambda url, options: listed)
    with pytest.raises(MlverError) as refused:
        hash_prefix(HashRequest(url="s3://b"), SilentReporter())
    assert "a/../b has a `..` or `.` part" in refused.value.message
    assert "x//y\\x1b has an empty part" in refused.value.message
    assert "ok" not in refused.value.message


def test_what_is_a_file_and_a_folder_at_once_is_refused() -> None:
    objects = tuple(HashedObject(key, 1, "ab" * 32) for key in ("a", "a/b"))
    found = HashedPrefix("s3://b", objects, Shard, 2, 0, None)  # type: ignore[arg-type]
    with pytest.raises(InvalidDocument, match="is a file and also a directory"):
        found.to_listing()


def test_an_empty_prefix_cannot_be_pinned(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(MlverError, match="holds nothing"):
        run(tmp_path / "empty").to_listing()


def test_a_scheduler_that_is_not_there_needs_the_extra_or_is_told() -> None:
    choice = ExecutorChoice(scheduler="tcp://127.0.0.1:9")
    told = pytest.raises(MlverError, match=r"distributed|no Dask scheduler")
    with told, open_executor(choice):
        pass


def test_only_a_choice_that_says_one_thing_is_one() -> None:
    with pytest.raises(UsageError):
        ExecutorChoice("a:b", "tcp://x").check_choice()
    with open_executor(ExecutorChoice()) as executor:
        assert executor is None
