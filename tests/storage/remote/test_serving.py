from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlver.storage.remote import frames
from mlver.storage.remote.blobs import BytesBlob
from mlver.storage.remote.directory import MARKER, DirectoryBlobs, init_directory
from mlver.storage.remote.frames import ErrorKind, FrameKind, pack_frame
from mlver.system import copying
from tests.storage.remote.blob_conformance import read_blob
from tests.storage.remote.far_end import HELLO, Answers, ask_far_end, pack_put
from tests.storage.remote.transfers import make_content

DATA = bytes(range(256)) * 40
DIGEST = hashlib.sha256(DATA).digest()
STAT = pack_frame(FrameKind.STAT, 9, b"a")
TOO_LONG = struct.pack(">IBI", 1 << 30, 4, 7)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "shared"
    init_directory(folder)
    DirectoryBlobs(folder).put_blob("a", BytesBlob(b"first"))
    return folder


def is_unchanged(root: Path) -> bool:
    return sorted(os.listdir(root)) == [MARKER, "a"]


def find_error(answers: Answers, number: int) -> tuple[int, str]:
    (frame,) = [answer for answer in answers if answer.number == number]
    assert frame.kind == FrameKind.ERROR
    return frame.payload[0], frame.payload[1:].decode()


def test_what_has_the_digest_that_was_announced_is_stored(tmp_path: Path) -> None:
    init_directory(tmp_path)
    answers = ask_far_end(tmp_path, HELLO + pack_put(b"k/1", DATA, DIGEST))
    assert [answer.kind for answer in answers] == [FrameKind.WELCOME, FrameKind.DONE]
    assert bytes(answers[1].payload) == struct.pack(">BQ", 0, len(DATA)) + DIGEST
    assert read_blob(DirectoryBlobs(tmp_path), "k/1") == DATA
    again = ask_far_end(tmp_path, HELLO + pack_put(b"k/1", b"other", bytes(32)) + STAT)
    assert again[1].payload[0] == 1
    assert read_blob(DirectoryBlobs(tmp_path), "k/1") == DATA
    assert find_error(again, 9)[0] == ErrorKind.MISSING


@pytest.mark.parametrize(
    ("requests", "kind", "words"),
    [
        (pack_put(b"k", DATA, bytes(32)), ErrorKind.WRONG_DIGEST, "arrived with the SHA-256"),
        (pack_put(b"k", DATA, DIGEST, size=5), ErrorKind.REFUSED, "changed while"),
        (pack_put(b"k", DATA, DIGEST, size=1 << 50), ErrorKind.REFUSED, "changed while"),
        (pack_put(b"k", DATA, DIGEST[:31]), ErrorKind.REFUSED, "a SHA-256 of 31 bytes"),
        (pack_put(b"../k", DATA, DIGEST), ErrorKind.REFUSED, "is no key"),
        (pack_put(b"\xff\x1b", DATA, DIGEST), ErrorKind.REFUSED, "is no key"),
        (pack_frame(FrameKind.GET, 7, bytes(3)), ErrorKind.REFUSED, "a payload of 3 bytes"),
        (
            pack_frame(FrameKind.GET, 7, struct.pack(">QI", 0, 1 << 31), b"a"),
            ErrorKind.REFUSED,
            "no range of 2147483648",
        ),
        (
            pack_frame(FrameKind.GET, 7, struct.pack(">QI", (1 << 64) - 1, 9), b"a"),
            ErrorKind.REFUSED,
            "no range",
        ),
        (
            pack_frame(FrameKind.GET, 7, struct.pack(">QI", 3, 9), b"a"),
            ErrorKind.TOO_SHORT,
            "ends before",
        ),
        (pack_frame(FrameKind.LIST, 7, b"../"), ErrorKind.REFUSED, "is no"),
        (pack_frame(FrameKind.STAT, 7, b"a" * 3000), ErrorKind.REFUSED, "a key of 3000 bytes"),
        (pack_frame(FrameKind.DELETE, 7, b"/etc/passwd"), ErrorKind.REFUSED, "is no key"),
        (pack_frame(77, 7, b"a"), ErrorKind.REFUSED, "no request is of kind 77"),
    ],
)
def test_a_request_that_is_refused_is_answered_and_the_next_one_as_well(
    root: Path, requests: bytes, kind: ErrorKind, words: str
) -> None:
    answers = ask_far_end(root, HELLO + requests + STAT)
    assert find_error(answers, 7)[0] == kind
    assert words in find_error(answers, 7)[1]
    assert [answer.kind for answer in answers if answer.number == 9] == [FrameKind.INFO]
    assert answers.error is None
    assert is_unchanged(root)


@pytest.mark.parametrize(
    "requests",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        TOO_LONG,
        HELLO + TOO_LONG,
        STAT,
        pack_frame(FrameKind.HELLO, 1, struct.pack(">I", 0)),
        pack_frame(FrameKind.HELLO, 1, b""),
        HELLO + pack_frame(FrameKind.PUT, 7, b"short"),
        HELLO + pack_put(b"k", DATA, DIGEST)[:5000] + STAT + bytes(3000),
        HELLO + pack_frame(FrameKind.PUT, 7, struct.pack(">QB", 5, 0), b"k") + STAT,
        HELLO + pack_frame(FrameKind.PUT, 7, struct.pack(">QB", 5, 0), b"k" * 9999),
    ],
)
def test_what_is_no_frame_ends_all_with_an_error(root: Path, requests: bytes) -> None:
    answers = ask_far_end(root, requests)
    assert answers[-1].kind == FrameKind.ERROR
    assert answers[-1].payload[1:].startswith(b"the other end of")
    assert answers.error is not None
    assert is_unchanged(root)


@pytest.mark.parametrize("length", range(0, len(DATA) + 200, 997))
def test_a_blob_that_is_cut_off_leaves_nothing(root: Path, length: int) -> None:
    whole = pack_put(b"k", DATA, DIGEST)
    assert length < len(whole)
    answers = ask_far_end(root, HELLO + whole[:length])
    assert [answer.kind for answer in answers] == [FrameKind.WELCOME]
    assert answers.error is None
    assert is_unchanged(root)


FRAMES = st.builds(
    pack_frame,
    st.sampled_from([*FrameKind, 0, 99]) | st.integers(0, 255),
    st.integers(0, 3),
    st.binary(max_size=50) | st.sampled_from([b"a", b"objects/", struct.pack(">QB", 3, 0) + b"k"]),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(FRAMES | st.binary(max_size=30), max_size=8))
def test_no_bytes_are_worse_than_refused(root: Path, pieces: list[bytes]) -> None:
    answers = ask_far_end(root, HELLO + b"".join(pieces), read_only=True)
    assert answers[0].kind == FrameKind.WELCOME
    assert is_unchanged(root)


def test_what_is_served_read_only_is_not_changed(root: Path) -> None:
    requests = [
        pack_put(b"k", DATA, DIGEST),
        pack_frame(FrameKind.DELETE, 8, b"a"),
        pack_frame(FrameKind.SWEEP, 10),
        STAT,
    ]
    answers = ask_far_end(root, HELLO + b"".join(requests), read_only=True)
    assert answers[0].payload[4] == frames.READ_ONLY
    for number in (7, 8, 10):
        assert "is served read-only" in find_error(answers, number)[1]
    assert FrameKind.INFO in [answer.kind for answer in answers]
    assert is_unchanged(root)


def test_a_directory_that_is_no_store_is_told_apart(tmp_path: Path) -> None:
    answers = ask_far_end(tmp_path, HELLO + STAT)
    assert find_error(answers, 9)[0] == ErrorKind.NO_STORE


def ask_range(folder: Path, size: int) -> Answers:
    request = pack_frame(FrameKind.GET, 7, struct.pack(">QI", 0, size), b"k")
    return ask_far_end(folder, HELLO + request)


def make_served(folder: Path) -> bytes:
    """A blob of more than two frames."""
    content = DATA * (1 + 2 * frames.PIECE_BYTES // len(DATA))
    init_directory(folder)
    DirectoryBlobs(folder).put_blob("k", BytesBlob(content))
    return content


@pytest.mark.parametrize("place", ["by the system", "by us"])
def test_a_range_is_sent_by_whoever_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    content = make_served(tmp_path)

    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, "Invalid argument")

    if place == "by us":
        monkeypatch.setattr(os, "sendfile", refuse, raising=False)
    _, *answers, done = ask_range(tmp_path, len(content))
    assert b"".join(answer.payload for answer in answers) == content
    assert done.kind == FrameKind.DONE
    assert not done.payload


def test_a_blob_that_is_cut_while_it_is_sent_is_told_to_be_too_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = make_served(tmp_path)
    pread = os.pread

    def end_early(target: int, source: int, offset: int, size: int) -> int:
        data = pread(source, min(size, 1_500_000 - offset), offset)
        return os.write(target, data)

    monkeypatch.setattr(os, "sendfile", end_early, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    _, first, second, error = ask_range(tmp_path, len(content))
    assert first.payload == content[: frames.PIECE_BYTES]
    assert len(second.payload) == frames.PIECE_BYTES
    assert (error.kind, error.payload[0]) == (FrameKind.ERROR, ErrorKind.TOO_SHORT)


def test_a_disk_that_fails_while_it_is_read_is_told_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = make_served(tmp_path)

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "sendfile", fail, raising=False)
    monkeypatch.setattr(os, "pread", fail)
    _, first, error = ask_range(tmp_path, len(content))
    assert len(first.payload) == frames.PIECE_BYTES
    assert error.kind == FrameKind.ERROR


def can_write_directly(folder: Path) -> bool:
    descriptor = os.open(folder / MARKER, os.O_RDONLY)
    try:
        again = copying.reopen_direct(descriptor)
    finally:
        os.close(descriptor)
    if again >= 0:
        os.close(again)
    return again >= 0


@pytest.mark.parametrize("direct_from", [1, sys.maxsize])
def test_what_comes_in_many_frames_is_stored_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direct_from: int
) -> None:
    direct = []
    write = os.write

    def note(descriptor: int, data: bytes | memoryview) -> int:
        is_direct = fcntl.fcntl(descriptor, fcntl.F_GETFL) & copying._O_DIRECT
        direct.append(bool(is_direct) and len(data))
        return write(descriptor, data)

    content = make_content(3 * frames.PIECE_BYTES + 5)
    init_directory(tmp_path)
    digest = hashlib.sha256(content).digest()
    request = bytearray(HELLO)
    for number in (1, 2):
        fields = struct.pack(">QB", len(content), 0)
        request += pack_frame(FrameKind.PUT, number, fields, f"k/{number}".encode())
        for begin in range(0, len(content), frames.PIECE_BYTES):
            piece = content[begin : begin + frames.PIECE_BYTES]
            request += pack_frame(FrameKind.DATA, number, piece)
        request += pack_frame(FrameKind.END, number, digest)
    monkeypatch.setattr(os, "write", note)
    ask_far_end(tmp_path, bytes(request), direct_from=direct_from)
    monkeypatch.undo()
    if can_write_directly(tmp_path):
        assert direct.count(frames.PIECE_BYTES) == (6 if direct_from == 1 else 0)
    for number in (1, 2):
        assert read_blob(DirectoryBlobs(tmp_path), f"k/{number}") == content
