"""Where contents are cut: at tensors, wherever these lie, and evenly where there are none."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlver.storage import cutting
from mlver.storage.cutting import cut_content
from mlver.storage.recipes import PART_BYTES

MIB = 1 << 20


class Content:
    """The bytes of a content that is never in memory: `head`, and zeros."""

    def __init__(self, head: bytes, size: int) -> None:
        self.head = head
        self.size = size
        self.read = 0

    def read_range(self, offset: int, size: int) -> bytes:
        assert 0 <= offset <= offset + size <= self.size
        self.read += size
        return self.head[offset : offset + size].ljust(size, b"\0")


def make_header(document: Any) -> bytes:
    text = json.dumps(document).encode()
    return len(text).to_bytes(8, "little") + text


def describe_tensors(*sizes: int, **metadata: str) -> tuple[bytes, int]:
    """A header, and the size of the file."""
    document: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for number, size in enumerate(sizes):
        offsets = [end, end + size]
        document[f"t{number}"] = {"dtype": "U8", "shape": [size], "data_offsets": offsets}
        end += size
    header = make_header(document)
    return header, len(header) + end


def cut(head: bytes, size: int) -> list[tuple[int, int]]:
    content = Content(head, size)
    parts = cut_content(size, content.read_range)
    assert content.read < 5 * MIB
    assert parts[0][0] == 0
    assert sum(parts[-1]) == size
    assert all(offset + length == following for (offset, length), (following, _) in pairwise(parts))
    assert all(0 < length <= PART_BYTES for _, length in parts)
    return parts


def test_tensors_begin_parts_and_large_ones_are_cut_from_their_start() -> None:
    header, size = describe_tensors(3 * MIB, 40 * MIB, 5)
    start = len(header)
    assert cut(header, size) == [
        (0, start),
        (start, 3 * MIB),
        (start + 3 * MIB, PART_BYTES),
        (start + 3 * MIB + PART_BYTES, PART_BYTES),
        (start + 3 * MIB + 2 * PART_BYTES, 8 * MIB),
        (start + 43 * MIB, 5),
    ]


def test_small_neighbours_are_sent_together() -> None:
    header, size = describe_tensors(*[MIB // 2] * 70, 2 * MIB, *[1000] * 3)
    sizes = [length for _, length in cut(header, size)]
    assert sizes == [len(header), PART_BYTES, PART_BYTES, 3 * MIB, 2 * MIB, 3000]


def test_the_same_tensors_elsewhere_are_the_same_parts() -> None:
    tensors = [bytes([number]) * (2 * MIB + number) for number in range(9)]

    def digest_parts(**metadata: str) -> list[str]:
        header, size = describe_tensors(*map(len, tensors), **metadata)
        data = header + b"".join(tensors)
        digests = []
        for offset, length in cut_content(size, Content(data, size).read_range):
            digests.append(hashlib.sha256(data[offset : offset + length]).hexdigest())
        return digests

    before, after = digest_parts(step="1"), digest_parts(step="a thousand", more="x" * 5000)
    assert before[0] != after[0]
    assert before[1:] == after[1:]
    assert len(before) == 10


@pytest.mark.parametrize("size", [PART_BYTES + 1, 3 * PART_BYTES, 50 * MIB + 7])
def test_whatever_else_there_is_is_cut_evenly(size: int) -> None:
    parts = cut(b"PK\x03\x04" * 4, size)
    assert {length for _, length in parts[:-1]} == {PART_BYTES}


EVENLY = cut(b"", 40 * MIB)
HOSTILE = [
    (2**64 - 1).to_bytes(8, "little") + b"{",
    (30 * MIB).to_bytes(8, "little") + b"{",
    (0).to_bytes(8, "little"),
    (100).to_bytes(8, "little") + b"[" * 100,
    (3 * MIB).to_bytes(8, "little") + b'{"a":' * (MIB // 2),
    make_header([1, 2]),
    make_header({"a": 1}),
    make_header({"a": {"data_offsets": []}}),
    make_header({"a": {"data_offsets": [True, 1]}}),
    make_header({"a": {"data_offsets": [-1, 1]}}),
    make_header({"a": {"data_offsets": [10**30, 1]}}),
    make_header({"a": {"data_offsets": [1.5, 1]}}),
    make_header({"a": {"data_offsets": {"0": 1}}}),
]


@pytest.mark.parametrize("head", HOSTILE)
def test_a_header_that_somebody_made_up_is_no_header(head: bytes) -> None:
    assert cut(head, 40 * MIB) == EVENLY


def test_tensors_that_overlap_or_leave_gaps_are_cut_all_the_same() -> None:
    document = {
        "a": {"data_offsets": [20 * MIB, 99]},
        "b": {"data_offsets": [0, 30 * MIB]},
        "c": {"data_offsets": [20 * MIB, 20 * MIB]},
    }
    assert len(cut(make_header(document), 40 * MIB)) == 5


def test_too_many_tensors_for_a_recipe_are_cut_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    header, size = describe_tensors(*[MIB] * 40)
    assert len(cut(header, size)) == 41
    monkeypatch.setattr(cutting, "_MOST_PARTS", 40)
    assert len(cut(header, size)) == 3


@given(st.lists(st.integers(0, 20 * MIB), max_size=12), st.integers(0, 5 * MIB))
def test_parts_are_gapless_whatever_the_tensors(sizes: list[int], rest: int) -> None:
    header, size = describe_tensors(*sizes)
    cut(header, size + rest)
