from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.hashing import BlobWriter, StatCache, measure_artifact
from mlver.system import parallel
from mlver.system.state import StateDatabase


class Shelf:
    """The smallest sink: it keeps all it is given in memory."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.dropped = 0

    def store_contents(self, contents: Sequence[tuple[str, bytes]]) -> object:
        return dict(contents)

    def accept_receipt(self, receipt: object) -> None:
        assert isinstance(receipt, dict)
        self.contents.update(receipt)

    def begin_blob(self) -> BlobWriter:
        return _Memory(self)


class _Memory:
    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._data = bytearray()

    @property
    def file_descriptor(self) -> int:
        raise NotImplementedError

    def clone_from(self, source: int) -> bool:
        return False

    def expect_bytes(self, size: int) -> None:
        pass

    def write(self, data: memoryview) -> None:
        self._data += data

    def keep_as(self, digest: str) -> None:
        self._shelf.contents[digest] = bytes(self._data)

    def discard_content(self) -> None:
        self._shelf.dropped += 1


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Enough files for several batches, one of them large."""
    top = tmp_path / "data"
    for number in range(1100):
        path = top / f"d{number % 7}/f{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"%d" % (number // 2))
    (top / "d3/large").write_bytes(os.urandom(3 * parallel.LARGE + 17))
    (top / "empty").touch()
    time.sleep(0.05)
    return top


@pytest.fixture
def cache(tmp_path: Path) -> StatCache:
    return StatCache(StateDatabase(tmp_path / "state/state.db"), "w")


def test_a_directory_is_its_manifest(top: Path) -> None:
    found = measure_artifact(top, key="data")
    assert found.manifest is not None
    check = subprocess.run(
        ["sha256sum", "-c", "--strict", "--quiet"], input=found.manifest, cwd=top, check=False
    )
    assert check.returncode == 0
    assert found.files == found.manifest.count(b"\n") == 1102
    assert found.digest.hex == hashlib.sha256(found.manifest).hexdigest()
    assert found.size == sum(path.stat().st_size for path in top.rglob("*") if path.is_file())
    bare = measure_artifact(top, key="data", keep_manifest=False)
    assert (bare.digest, bare.size, bare.files, bare.manifest) == (
        found.digest,
        found.size,
        found.files,
        None,
    )


@pytest.mark.parametrize("size", [0, 1, parallel.LARGE - 1, parallel.LARGE, 2 * parallel.LARGE + 1])
def test_a_file_is_its_bytes(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "weights").write_bytes(data)
    shelf = Shelf()
    found = measure_artifact(tmp_path / "weights", key="weights", sink=shelf)
    assert (found.digest.hex, found.size, found.files, found.manifest) == (
        hashlib.sha256(data).hexdigest(),
        size,
        1,
        None,
    )
    assert shelf.contents == {found.digest.hex: data}


def test_a_sink_gets_every_content_in_the_same_pass(top: Path, cache: StatCache) -> None:
    shelf = Shelf()
    found = measure_artifact(top, key="data", cache=cache, sink=shelf)
    assert all(
        hashlib.sha256(data).hexdigest() == digest for digest, data in shelf.contents.items()
    )
    assert set(shelf.contents.values()) == {
        path.read_bytes() for path in top.rglob("*") if path.is_file()
    }
    assert found == measure_artifact(top, key="data")


@pytest.fixture
def opened(top: Path, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What this process opens below `top`."""
    paths: list[bytes] = []
    real = os.open

    def spy(path: bytes, flags: int, mode: int = 0o777, **more: int) -> int:
        if os.fsencode(top) in os.fsencode(path):
            paths.append(path)
        return real(path, flags, mode, **more)

    monkeypatch.setattr(os, "open", spy)
    monkeypatch.setattr(parallel, "count_cores", lambda: 1)
    return paths


def test_what_is_known_is_read_only_where_it_is_pinned_or_stored(
    top: Path, tmp_path: Path, opened: list[bytes]
) -> None:
    state = StateDatabase(tmp_path / "state/state.db")
    cache, learning = StatCache(state, "w"), StatCache(state, "w", is_believed=False)
    first = measure_artifact(top, key="data", cache=cache)
    opened.clear()
    assert measure_artifact(top, key="data", cache=cache) == first
    assert opened == []
    assert measure_artifact(top, key="data", cache=learning) == first
    assert len(opened) == first.files
    opened.clear()
    assert measure_artifact(top, key="data", cache=cache, sink=Shelf()) == first
    assert len(opened) == first.files
    opened.clear()
    assert measure_artifact(top, key="data", cache=cache) == first
    assert opened == []


def test_a_lying_cache_does_not_reach_the_store(top: Path, tmp_path: Path) -> None:
    state = StateDatabase(tmp_path / "state/state.db")
    cache = StatCache(state, "w")
    first = measure_artifact(top, key="data", cache=cache)
    lies = [(path, entry[:-32] + b"\5" * 32) for path, entry in state.read_files("w", b"data")]
    state.keep_files("w", lies, [])
    assert measure_artifact(top, key="data", cache=cache) != first
    assert measure_artifact(top, key="data", cache=cache, sink=Shelf()) == first
    state.keep_files("w", lies, [])
    learning = StatCache(state, "w", is_believed=False)
    assert measure_artifact(top, key="data", cache=learning) == first


def test_progress_counts_every_byte_once(top: Path, cache: StatCache) -> None:
    for sink in (None, Shelf()):
        for _ in range(2):
            steps: list[int] = []
            found = measure_artifact(top, key="data", cache=cache, sink=sink, progress=steps.append)
            assert sum(steps) == found.size


@pytest.mark.parametrize("size", [10, parallel.LARGE + 10])
@pytest.mark.parametrize("times", [1, 99])
def test_a_file_that_changes_while_read_is_read_again_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, times: int
) -> None:
    path = tmp_path / "weights"
    path.write_bytes(bytes(size))
    real, left = os.fstat, [times]

    def meddle(descriptor: int) -> os.stat_result:
        found = real(descriptor)
        if left[0]:
            left[0] -= 1
            with path.open("ab") as file:
                file.write(b"x")
        return found

    monkeypatch.setattr(os, "fstat", meddle)
    shelf = Shelf()
    if times == 1:
        assert (
            measure_artifact(path, key="w", sink=shelf).digest.hex
            == hashlib.sha256(path.read_bytes()).hexdigest()
        )
    else:
        with pytest.raises(MlverError, match="weights changes while it is read"):
            measure_artifact(path, key="w", sink=shelf)
        assert shelf.contents == {}


def test_all_that_cannot_be_kept_is_refused_at_once(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"link{number:02}").symlink_to("nowhere")
    (tmp_path / "good").touch()
    with pytest.raises(MlverError) as caught:
        measure_artifact(tmp_path, key="data/x")
    assert caught.value.message.startswith(
        "data/x cannot be read; remove or fix these, or name a path without them:\n"
        "  link00 is a symlink"
    )
    assert caught.value.message.endswith("and 10 more")


@pytest.mark.parametrize("kind", ["empty", "absent", "fifo"])
def test_what_holds_no_file_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    top = tmp_path / "x"
    if kind == "empty":
        (top / "sub").mkdir(parents=True)
    elif kind == "fifo":
        os.mkfifo(top)
    with pytest.raises(MlverError, match="data/x") as caught:
        measure_artifact(top, key="data/x")
    assert caught.value.hint


def test_a_full_disk_is_reported_with_its_path(top: Path) -> None:
    class Full(Shelf):
        def store_contents(self, contents: Sequence[tuple[str, bytes]]) -> object:
            raise OSError(28, "No space left on device", "/store/tmp/x")

    with pytest.raises(
        MlverError, match="No space left on device: /store/tmp/x; nothing was changed"
    ) as caught:
        measure_artifact(top, key="data", sink=Full())
    assert "free some space" in caught.value.message
    assert caught.value.hint == "df -h"


def test_once_there_are_workers_they_store_all_small_files(
    top: Path, monkeypatch: pytest.MonkeyPatch, cache: StatCache
) -> None:
    """A last batch on its own too: this process would have to learn first what they have stored."""

    class Stamped(Shelf):
        def __init__(self) -> None:
            super().__init__()
            self.processes: list[int] = []

        def store_contents(self, contents: Sequence[tuple[str, bytes]]) -> object:
            return os.getpid(), dict(contents)

        def accept_receipt(self, receipt: object) -> None:
            assert isinstance(receipt, tuple)
            self.processes.append(receipt[0])
            super().accept_receipt(receipt[1])

    monkeypatch.setattr(parallel, "count_cores", lambda: 2)
    measuring = sys.modules["mlver.hashing.measure"]
    monkeypatch.setattr(measuring, "CHUNK_FILES", 1000)
    monkeypatch.setattr(measuring, "BATCH_FILES", 300)
    sink = Stamped()
    measure_artifact(top, key="data", cache=cache, sink=sink)
    assert len(sink.processes) == 5
    assert os.getpid() not in sink.processes
    few = Stamped()
    measure_artifact(top / "d1", key="data/d1", sink=few)
    assert few.processes == [os.getpid()]
