"""Spans on their way through memory: hashed there, and written past the system's memory."""

from __future__ import annotations

import fcntl
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.storage.recipes import PART_BYTES, Part, Recipe
from mlver.storage.remote import span_memory
from mlver.storage.remote.assembling import AssembledContent
from mlver.storage.remote.span_memory import PAGE_BYTES, SpanInMemory, SpanMemory
from mlver.storage.remote.survey import StoredCopy
from mlver.storage.remote.workers import TransferStopped, TransferWorkers
from mlver.system import copying
from tests.storage.remote.memory import MemoryBlobs
from tests.storage.remote.transfers import Team, cut_smaller, make_content, with_stall

CONTENT = make_content(5 * PAGE_BYTES + 77)
DIGEST = Digest.of_bytes(CONTENT)
# Not at pages: as the parts of a file of tensors are.
CUTS = (0, 77, 2 * PAGE_BYTES + 5, 3 * PAGE_BYTES, len(CONTENT))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "content"


@pytest.fixture
def given_back() -> list[memoryview]:
    return []


@pytest.fixture
def content(
    path: Path, given_back: list[memoryview], monkeypatch: pytest.MonkeyPatch
) -> Iterator[AssembledContent]:
    monkeypatch.setattr(copying, "DIRECT_BYTES", 0)
    monkeypatch.setattr(span_memory, "_WRITTEN_AT_ONCE", PAGE_BYTES)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.ftruncate(descriptor, len(CONTENT))
    parts = []
    for start, end in pairwise(CUTS):
        parts.append(Part(Digest.of_bytes(CONTENT[start:end]).hex, end - start, start))
    recipe = Recipe(DIGEST.hex, len(CONTENT), tuple(parts))
    stored_copy = StoredCopy("recipes/x", 0, len(CONTENT), recipe)
    content = AssembledContent(
        DIGEST, stored_copy, descriptor, str(path), lambda _: None, given_back.append
    )
    yield content
    content.close_file()


def bring_span(content: AssembledContent, number: int, block: memoryview) -> None:
    """A span arrives in three pieces."""
    span = content.spans[number]
    arrival = SpanInMemory(span.offset, span.size, block, content.write_directly)
    data = memoryview(CONTENT)[span.offset : span.offset + span.size]
    third = len(data) // 3
    for piece in (data[:third], data[third : 2 * third], data[2 * third :]):
        arrival.add_piece(piece)
    arrival.write_rest()
    content.keep_block(number, block)


def make_workers() -> TransferWorkers:
    return TransferWorkers("there", 4, 10.0)


def test_spans_in_any_order_make_the_file_and_its_digest(
    content: AssembledContent, path: Path, given_back: list[memoryview]
) -> None:
    memory, workers = SpanMemory(4), make_workers()
    for number in (2, 0, 3, 1):
        bring_span(content, number, memory.take_block(workers))
        assert content.end_span(number) == (number == 1)
    assert content.is_sound()
    assert len(given_back) == 4
    assert path.read_bytes() == CONTENT


def test_whole_pages_are_written_past_the_systems_memory(
    content: AssembledContent, monkeypatch: pytest.MonkeyPatch
) -> None:
    if content._direct < 0:
        pytest.skip("this file system has no O_DIRECT")
    direct = []
    pwrite = os.pwrite

    def note(descriptor: int, data: memoryview, offset: int) -> int:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & copying._O_DIRECT:
            direct.append((offset, len(data)))
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", note)
    memory, workers = SpanMemory(4), make_workers()
    for number in range(4):
        bring_span(content, number, memory.take_block(workers))
        content.end_span(number)
    assert direct == [(number * PAGE_BYTES, PAGE_BYTES) for number in (1, 3, 4)]


def test_a_file_system_that_refuses_gets_it_as_usual(
    content: AssembledContent, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pwrite = os.pwrite

    def refuse(descriptor: int, data: memoryview, offset: int) -> int:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & copying._O_DIRECT:
            raise OSError(22, "Invalid argument")
        return pwrite(descriptor, data, offset)

    monkeypatch.setattr(os, "pwrite", refuse)
    memory, workers = SpanMemory(4), make_workers()
    for number in range(4):
        bring_span(content, number, memory.take_block(workers))
        content.end_span(number)
    assert content.is_sound()
    assert path.read_bytes() == CONTENT


def test_a_full_disk_is_told_by_name(
    content: AssembledContent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    block = SpanMemory(4).take_block(make_workers())
    with pytest.raises(MlverError, match=rf"storing {DIGEST}.*No space left"):
        bring_span(content, 1, block)


def test_a_content_with_a_fault_keeps_no_memory(
    content: AssembledContent, given_back: list[memoryview]
) -> None:
    memory, workers = SpanMemory(4), make_workers()
    for number in (2, 1):
        bring_span(content, number, memory.take_block(workers))
        content.end_span(number)
    assert given_back == []
    content.fault = "missing"
    content.end_span(0)
    assert len(given_back) == 2


def test_there_are_so_many_blocks_and_the_next_one_waits() -> None:
    memory, workers = SpanMemory(1), make_workers()
    blocks = [memory.take_block(workers) for _ in range(3)]
    taken: list[memoryview] = []
    thread = threading.Thread(target=lambda: taken.append(memory.take_block(workers)))
    thread.start()
    time.sleep(0.05)
    assert taken == []
    memory.give_back(blocks[1])
    thread.join(10)
    assert taken == [blocks[1]]


def test_who_waits_for_a_block_learns_that_all_is_over() -> None:
    memory, workers = SpanMemory(1), make_workers()
    for _ in range(3):
        memory.take_block(workers)
    workers._stopped = True
    with pytest.raises(TransferStopped):
        memory.take_block(workers)


class _UnevenBlobs(MemoryBlobs):
    """Answers take different times, so that spans arrive in another order than asked for."""

    def get_range(self, key: str, offset: int, size: int) -> bytes:
        time.sleep(random.random() / 200)
        return super().get_range(key, offset, size)


@pytest.mark.parametrize("jobs", [1, 3, 12])
def test_many_spans_of_several_contents_never_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    cut_smaller(monkeypatch, 1 << 16)
    monkeypatch.setattr(copying, "DIRECT_BYTES", 0)
    blobs = _UnevenBlobs()
    team = Team(blobs, tmp_path)
    contents = [make_content((3 << 20) + 1000 * seed, seed) for seed in range(4)]
    wanted = team.store(*contents)
    team.push(wanted)
    assert team.pull(wanted, options=with_stall(20, jobs)).objects == 4
    assert team.has_contents(contents)
    # Parts that are gone leave memory for the others.
    for key in sorted(blobs.contents):
        if key.startswith("parts/"):
            del blobs.contents[key]
            break
    assert team.pull(wanted, "ann", with_stall(20, jobs)).objects == 3


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux tells it")
def test_no_child_has_a_block() -> None:
    """A page that is being written past the system's memory would be the child's alone after it."""
    block = span_memory.map_block()
    blocks = Path("/proc/self/smaps").read_text().split("VmFlags:")
    mine = [text for text in blocks if text.startswith(" rd wr") and " dc " in text.split("\n")[0]]
    assert mine
    assert len(block) == PART_BYTES + PAGE_BYTES
