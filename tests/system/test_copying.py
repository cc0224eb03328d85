"""How a large file is copied."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlver.system import copying
from mlver.system.parallel import PIECE

BLOCK = 4096
SIZES = [0, 1, PIECE - 1, PIECE, 9 * PIECE + 5]


class MemoryTarget:
    """Takes what is copied; its first write fails with `error`, if there is one."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.data = b""
        self.expected = -1
        self._error = error

    def expect_bytes(self, size: int) -> None:
        self.expected = size

    def write(self, data: memoryview) -> None:
        if self._error is not None:
            raise self._error
        self.data += data


def copy_to(target: copying.CopyTarget, source: Path) -> tuple[str, int]:
    with source.open("rb") as file:
        return copying.copy_hashed(file.fileno(), target, lambda _: None)


def copy_file(source: Path, path: Path) -> tuple[str, int]:
    """Copy a file as the store does."""
    with path.open("w+b") as out:
        return copy_to(copying.FlushingWriter(out.fileno(), path), source)


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


@pytest.fixture
def direct(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Every size is large enough to be written past memory; for each write, whether it was."""
    told: list[bool] = []
    write = os.write

    def noted(descriptor: int, data: bytes | memoryview) -> int:
        told.append(bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & copying._O_DIRECT))
        return write(descriptor, data)

    monkeypatch.setattr(os, "write", noted)
    monkeypatch.setattr(copying, "DIRECT_BYTES", 0)
    monkeypatch.setattr(copying, "COPY_BYTES", 4 * BLOCK)
    return told


@pytest.fixture
def disk_path(tmp_path: Path) -> Iterator[Path]:
    """A path on a file system that can be written past memory; skip the test where there is none.

    The other tests may run in memory.
    """
    for folder in (tmp_path, Path("/var/tmp")):
        path = folder / f"mlver-test-{os.getpid()}"
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_DIRECT", os.O_EXCL)
        try:
            os.close(os.open(path, flags))
        except OSError:
            path.unlink(missing_ok=True)
            continue
        try:
            yield path
        finally:
            path.unlink()
        return
    pytest.skip("no file system here can be written past memory")


@pytest.mark.parametrize("size", SIZES)
def test_a_copy_is_hashed_as_it_is_written(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    target = MemoryTarget()
    before = threads()
    assert copy_to(target, tmp_path / "a") == (hashlib.sha256(data).hexdigest(), size)
    assert target.data == data
    assert target.expected == size
    assert threads() == before


def test_progress_counts_every_byte(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(copying.COPY_BYTES + 7))
    steps: list[int] = []
    with (tmp_path / "a").open("rb") as file:
        copying.copy_hashed(file.fileno(), MemoryTarget(), steps.append)
    assert steps == [copying.COPY_BYTES, 7]


def test_a_copy_begins_where_the_descriptor_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"head and body")
    target = MemoryTarget()
    with (tmp_path / "a").open("rb", buffering=0) as file:
        file.seek(5)
        copying.copy_hashed(file.fileno(), target, lambda _: None)
    assert target.data == b"and body"


def test_the_reader_is_only_some_pieces_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "COPY_BYTES", 1_000)
    (tmp_path / "a").write_bytes(bytes(100_000))
    furthest = 0

    class Slow(MemoryTarget):
        def write(self, data: memoryview) -> None:
            nonlocal furthest
            super().write(data)
            furthest = max(furthest, os.lseek(file.fileno(), 0, os.SEEK_CUR) - len(self.data))

    with (tmp_path / "a").open("rb", buffering=0) as file:
        copying.copy_hashed(file.fileno(), Slow(), lambda _: None)
    assert furthest <= 1_000 * copying._PIECES_AHEAD


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_copy_that_fails_leaves_no_thread(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "a").write_bytes(bytes(3 * copying.COPY_BYTES))
    before = threads()
    with pytest.raises(type(error)):
        copy_to(MemoryTarget(error), tmp_path / "a")
    assert threads() == before


@pytest.mark.parametrize("error", [OSError(errno.EIO, "x"), MemoryError(), SystemExit()])
def test_a_reading_thread_that_dies_gives_no_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Half a hash must never pass for the file's."""
    readv = os.readv
    calls: list[int] = []

    def fail(descriptor: int, buffers: list[memoryview]) -> int:
        calls.append(descriptor)
        if len(calls) == 2:
            raise error
        return readv(descriptor, buffers)

    monkeypatch.setattr(os, "readv", fail)
    (tmp_path / "a").write_bytes(bytes(3 * PIECE))
    before = threads()
    with pytest.raises(type(error)) as raised:
        copy_to(MemoryTarget(), tmp_path / "a")
    # an error of the source is told from one of the copy by its having no name
    assert getattr(raised.value, "filename", None) is None
    assert threads() == before


def test_a_file_of_holes_is_copied_whole(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.seek(300_000)
        file.write(b"end")
        file.truncate(700_000)
    copy_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()


def test_a_full_disk_is_told_by_the_name_of_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full)
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(OSError, match="full") as raised:
        copy_file(tmp_path / "a", tmp_path / "b")
    assert raised.value.filename == os.fspath(tmp_path / "b")


@pytest.mark.parametrize("size", [1, 4 * BLOCK, 10 * BLOCK, 10 * BLOCK + 5])
def test_a_large_copy_is_written_past_memory_but_for_its_end(
    tmp_path: Path, disk_path: Path, direct: list[bool], size: int
) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    digest, _ = copy_file(tmp_path / "a", disk_path)
    assert disk_path.read_bytes() == data
    assert digest == hashlib.sha256(data).hexdigest()
    ends_unaligned = bool(size % BLOCK)
    assert direct == [True] * (len(direct) - ends_unaligned) + [False] * ends_unaligned


def test_a_small_copy_is_not_written_past_memory(
    tmp_path: Path, direct: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "DIRECT_BYTES", 2 * BLOCK)
    (tmp_path / "a").write_bytes(bytes(BLOCK))
    copy_file(tmp_path / "a", tmp_path / "b")
    assert direct == [False]


@pytest.mark.parametrize("place", ["the flag", "the first write", "the third write"])
def test_where_nothing_can_be_written_past_memory_the_copy_is_whole(
    tmp_path: Path, direct: list[bool], monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Some file systems refuse the flag, and others each write of other sizes than their own."""
    refused_from = {"the first write": 0, "the third write": 2}.get(place)
    plain_fcntl, plain_write = fcntl.fcntl, os.write

    def refuse_flag(descriptor: int, command: int, flags: int = 0) -> int:
        if place == "the flag" and command == fcntl.F_SETFL and flags & copying._O_DIRECT:
            raise OSError(errno.EINVAL, "refused")
        return plain_fcntl(descriptor, command, flags)

    def refuse_write(descriptor: int, data: bytes | memoryview) -> int:
        is_direct = plain_fcntl(descriptor, fcntl.F_GETFL) & copying._O_DIRECT
        if is_direct and refused_from is not None and len(direct) >= refused_from:
            raise OSError(errno.EINVAL, "refused")
        return plain_write(descriptor, data)

    monkeypatch.setattr(fcntl, "fcntl", refuse_flag)
    monkeypatch.setattr(os, "write", refuse_write)
    data = os.urandom(40 * BLOCK)
    (tmp_path / "a").write_bytes(data)
    copy_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == data


def test_a_write_past_memory_that_is_cut_short_is_finished(
    tmp_path: Path, direct: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain_write = os.write
    cuts = [BLOCK, 100]

    def cut_short(descriptor: int, data: bytes | memoryview) -> int:
        return plain_write(descriptor, data[: cuts.pop()] if cuts else data)

    monkeypatch.setattr(copying, "_O_DIRECT", 0)
    monkeypatch.setattr(copying.FlushingWriter, "_switch_direct", lambda *_: True)
    monkeypatch.setattr(os, "write", cut_short)
    data = os.urandom(16 * BLOCK)
    (tmp_path / "a").write_bytes(data)
    copy_file(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == data


def test_the_reader_has_a_descriptor_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second Ctrl-C may close the caller's while the reader is still at work."""
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3 * PIECE)
    used: set[int] = set()
    read = os.readv

    def noted(descriptor: int, buffers: list[memoryview]) -> int:
        used.add(descriptor)
        return read(descriptor, buffers)

    monkeypatch.setattr(os, "readv", noted)
    before = os.listdir("/proc/self/fd")
    with source.open("rb") as file:
        copying.copy_hashed(file.fileno(), MemoryTarget(), lambda _: None)
        assert file.fileno() not in used
        file.seek(0)
        with pytest.raises(KeyboardInterrupt):
            copying.copy_hashed(file.fileno(), MemoryTarget(KeyboardInterrupt()), lambda _: None)
        monkeypatch.setattr(threading.Thread, "start", fail_to_start)
        with pytest.raises(RuntimeError):
            copying.copy_hashed(file.fileno(), MemoryTarget(), lambda _: None)
    assert os.listdir("/proc/self/fd") == before


def fail_to_start(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_what_is_written_past_memory_is_no_private_page(tmp_path: Path) -> None:
    """Where another thread forks, such a page may be lost on its way (open(2), O_DIRECT)."""
    source = tmp_path / "source"
    source.write_bytes(b"x" * PIECE)
    size = copying.COPY_BYTES * 8
    shared: list[str] = []

    class LookingTarget(MemoryTarget):
        def write(self, data: memoryview) -> None:
            for line in Path("/proc/self/maps").read_text().splitlines():
                place, mode, *_ = line.split()
                start, end = (int(number, 16) for number in place.split("-"))
                if end - start == size and mode.endswith("s"):
                    shared.append(place)
            super().write(data)

    copy_to(LookingTarget(), source)
    assert shared
