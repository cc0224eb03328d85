"""Far ends that lie, break and print: programs in place of ssh that speak the protocol wrongly."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.storage.remote.blobs import (
    BlobError,
    BlobMissing,
    BytesBlob,
    RangeIgnored,
    TransientBlobError,
)
from mlver.storage.remote.open import parse_address
from mlver.storage.remote.ssh import SshBlobs
from mlver.storage.remote.ssh_sessions import parse_place
from mlver.system.timings import Timings
from tests.conftest import CHECKOUT

# It greets as mlver does, and then answers with what its ANSWER makes of a request. A blob on its
# way in comes as one request, with its bytes and the digest that was announced.
_FAR_END = """
import hashlib, struct, sys, time
from mlver.storage.remote.frames import *
K = FrameKind

def read_exactly(size):
    data = sys.stdin.buffer.read(size)
    if len(data) < size:
        sys.exit(0)
    return bytearray(data)

def send(kind, number, *pieces):
    sys.stdout.buffer.write(pack_frame(kind, number, *pieces))
    sys.stdout.buffer.flush()

def read_request():
    frame = read_frame(read_exactly)
    data = b""
    if frame.kind == K.PUT:
        while True:
            part = read_frame(read_exactly)
            if part.kind != K.DATA:
                return frame, data, bytes(part.payload)
            data += part.payload
    return frame, data, b""

def done(frame, digest, size):
    send(K.DONE, frame.number, struct.pack(">BQ", 0, size), digest)

frame, _, _ = read_request()
send(K.WELCOME, frame.number, struct.pack(">IB", VERSION, 0), NAME)
while True:
    frame, data, announced = read_request()
    ANSWER
"""
_PUT = "done(frame, hashlib.sha256(data).digest(), len(data)) if frame.kind == K.PUT else "
_DELETED = _PUT + "send(K.DONE, frame.number)"

OpenFarEnd = Callable[..., SshBlobs]


@pytest.fixture
def open_far_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenFarEnd]:
    """Blobs whose far end is a Python source, or answers requests with a line of it."""
    opened: list[SshBlobs] = []

    def open_source(source: str, silence: float = 20.0) -> SshBlobs:
        program = tmp_path / "far_end.py"
        program.write_text(source)
        monkeypatch.setenv("MLVER_SSH", shlex.join([sys.executable, str(program)]))
        monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
        place = parse_place(parse_address("ssh://kim@far.example.org/srv/models", {}))
        opened.append(SshBlobs(place, Timings(connect=20.0, silence=silence)))
        return opened[-1]

    yield open_source
    for blobs in opened:
        blobs.close()


def answer_with(line: str) -> str:
    return _FAR_END.replace("ANSWER", line)


def test_one_that_hashes_nothing_confirms_nothing(open_far_end: OpenFarEnd) -> None:
    # It tells the digest of what it got, and stores whatever came.
    assert not open_far_end(answer_with(_DELETED)).confirms_content()
    # It repeats what was announced.
    repeats = "done(frame, announced, len(data)) if data else send(K.DONE, frame.number)"
    assert not open_far_end(answer_with(repeats)).confirms_content()


def test_one_that_refuses_all_confirms_nothing(open_far_end: OpenFarEnd) -> None:
    refuses = 'send(K.ERROR, frame.number, bytes([5]), b"wrong")'
    with pytest.raises(BlobError, match="wrong"):
        open_far_end(answer_with(refuses)).confirms_content()


@pytest.mark.parametrize(
    "answer", ["done(frame, bytes(32), len(data))", "done(frame, announced, 1)"]
)
def test_one_that_stored_something_else_is_believed_nothing(
    open_far_end: OpenFarEnd, answer: str
) -> None:
    blobs = open_far_end(answer_with(answer))
    with pytest.raises(BlobError, match="says that it stored other bytes for k"):
        blobs.put_blob("k", BytesBlob(b"data"))
    with pytest.raises(BlobError, match="says that it stored other bytes for k"):
        blobs.replace_blob("k", BytesBlob(b"data"))


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ("send(K.BYTES, frame.number, bytes(9)); send(K.DONE, frame.number)", RangeIgnored, "9 b"),
        (
            "send(K.BYTES, frame.number, bytes(3)); send(K.DONE, frame.number)",
            TransientBlobError,
            "3",
        ),
        ("[send(K.BYTES, frame.number, b'x') for _ in range(99)]", RangeIgnored, "5 bytes"),
        ("send(K.BYTES, frame.number)", BlobError, "an empty answer"),
        ("send(77, frame.number, b'x')", BlobError, "an answer of kind 77"),
        ("send(K.ERROR, frame.number)", BlobError, "an answer of kind 104"),
        ("send(K.ERROR, frame.number, b'\\2no\\x1b[31m\\nerror: x')", BlobMissing, r"no\\x1b\[31m"),
        ("send(K.ERROR, frame.number, b'\\xffunknown kind')", BlobError, "unknown kind"),
        ("sys.stdout.buffer.write(b'\\xff' * 999); sys.stdout.flush()", BlobError, "is no answer"),
        ("sys.exit(1)", TransientBlobError, "ended"),
    ],
)
def test_an_answer_that_is_none_is_refused(
    open_far_end: OpenFarEnd, answer: str, kind: type[BlobError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        open_far_end(answer_with(answer)).get_range("k", 0, 5)
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "payload",
    [
        "bytes(5)",
        'struct.pack(">QqH", 1, 1, 50) + b"k"',
        'struct.pack(">QqH", 1, 1 << 62, 1) + b"k"',
        'struct.pack(">QqH", 1, 1, 3000) + b"k" * 3000',
    ],
)
def test_a_listing_that_is_none_is_refused(open_far_end: OpenFarEnd, payload: str) -> None:
    blobs = open_far_end(answer_with(f"send(K.INFO, frame.number, {payload})"))
    for call in (lambda: blobs.stat_blob("k"), lambda: list(blobs.list_blobs(""))):
        with pytest.raises(BlobError, match="sent a"):
            call()


def test_what_was_not_asked_for_is_not_listed(open_far_end: OpenFarEnd) -> None:
    keys = ["a/ok", "a/../b", "b/other", "/etc/passwd", "a/\x1b", "a/.hidden"]
    entries = "".join(f'struct.pack(">QqH", 1, 1, {len(key)}) + {key.encode()!r}, ' for key in keys)
    answer = f"send(K.INFO, frame.number, {entries}); send(K.DONE, frame.number)"
    blobs = open_far_end(answer_with(answer))
    assert [info.key for info in blobs.list_blobs("a/")] == ["a/ok"]
    with pytest.raises(BlobError, match="told nothing of the blob"):
        blobs.stat_blob("a/other")


def test_one_that_falls_silent_is_given_up_and_another_begun(open_far_end: OpenFarEnd) -> None:
    blobs = open_far_end(answer_with("time.sleep(60)"), silence=0.3)
    for _ in range(2):
        with pytest.raises(TransientBlobError, match=r"sent nothing for 0\.3 seconds"):
            blobs.get_range("k", 0, 1)
    # It takes nothing either.
    with pytest.raises(TransientBlobError, match="sent nothing for"):
        blobs.put_blob("k", BytesBlob(bytes(30 << 20)))


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("print('Welcome to our cluster! ' * 9)", BlobError, "printed something before mlver"),
        ("import sys; sys.exit('Permission denied (publickey).')", BlobError, "code 1"),
        (
            "import os, sys; sys.stderr.write('Permission denied (publickey).'); os._exit(255)",
            BlobError,
            r"ssh could not open .*: Permission denied \(publickey\)",
        ),
        (
            "import os, sys; sys.stderr.write('Connection timed out'); os._exit(255)",
            TransientBlobError,
            "ssh did not reach ssh://kim@far.example.org/srv/models: Connection timed out",
        ),
        (
            "import sys; sys.stdin.buffer.read(13); sys.stdout.buffer.write(b'\\0\\0\\0\\x15\\2'"
            " b'\\0\\0\\0\\3\\0\\0\\0\\7\\0mlver store')",
            BlobError,
            "does not speak this version",
        ),
        (
            "import sys; sys.stderr.write('mlver: command not found'); sys.exit(127)",
            BlobError,
            "ended with code 127",  # for it is no SFTP server either
        ),
    ],
)
def test_a_session_that_does_not_begin_says_why(
    open_far_end: OpenFarEnd, source: str, kind: type[BlobError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        open_far_end(source).stat_blob("k")
    assert type(caught.value) is kind
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("ssh kim@far.example.org ")


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("ssh://-oProxyCommand=x/p", "no name or address"),
        ("ssh://a;b/p", "no name or address"),
        ("ssh://[::1/p", "no address of an SSH remote"),
        ("ssh:///p", "no name or address"),
        ("ssh://h", "names no directory"),
        ("ssh://h/", "names no directory"),
        ("ssh://h//", "names no directory"),
        ("ssh://h/~kim/x", "names no directory"),
        ("ssh://h/~", "names no directory"),
        ("ssh://h/a%0ab", "names no directory"),
        ("ssh://h/a%ff", "names no directory"),
        ("ssh://h/a?b", "a query or a fragment"),
        ("ssh://h:99999/p", "is no port"),
        ("ssh://h:x/p", "no address of an SSH remote"),
        ("ssh://-l@h/p", "no name of a user"),
    ],
)
def test_an_address_that_names_no_place_is_refused(address: str, words: str) -> None:
    with pytest.raises(MlverError, match=words):
        parse_place(parse_address(address, {}))


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(MlverError, match="has a password in it") as caught:
        parse_place(parse_address("ssh://kim:secret@h/p", {}))
    assert "secret" not in caught.value.message


def test_an_address_is_taken_apart() -> None:
    place = parse_place(parse_address("SSH://kim@[::1]:22/a%20b", {}))
    assert (place.host, place.path) == (("::1", "kim", 22), "/a b")
    assert parse_place(parse_address("ssh://h/~/models", {})).path == "models"
