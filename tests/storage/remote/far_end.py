"""`serve_blobs` on pipes of this process: what arrives there, and what it answers."""

from __future__ import annotations

import os
import struct
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from mlver.errors import MlverError
from mlver.storage.remote import frames
from mlver.storage.remote.directory import DirectoryBlobs
from mlver.storage.remote.frames import Frame, FrameKind, pack_frame
from mlver.storage.remote.serving import serve_blobs

HELLO = pack_frame(FrameKind.HELLO, 1, struct.pack(">I", frames.VERSION))


class Answers(list[Frame]):
    """What the far end sent, and the error that it ended with."""

    error: MlverError | None = None


def ask_far_end(
    root: Path, requests: bytes, *, read_only: bool = False, direct_from: int = sys.maxsize
) -> Answers:
    """Send these bytes, then nothing more; the answers."""
    source, into = os.pipe()
    out, target = os.pipe()
    answers = Answers()

    def serve() -> None:
        try:
            serve_blobs(DirectoryBlobs(root, direct_from), source, target, read_only=read_only)
        except MlverError as error:
            answers.error = error
        finally:
            os.close(source)
            os.close(target)

    def send() -> None:
        with suppress(BrokenPipeError), os.fdopen(into, "wb") as stream:
            stream.write(requests)

    threads = [threading.Thread(target=serve), threading.Thread(target=send)]
    for thread in threads:
        thread.start()
    with os.fdopen(out, "rb") as stream:
        data = stream.read()
    for thread in threads:
        thread.join()
    answers.extend(split_frames(data))
    return answers


def split_frames(data: bytes) -> Iterable[Frame]:
    rest = bytearray(data)

    def read_exactly(size: int) -> bytearray:
        piece = rest[:size]
        assert len(piece) == size, "an answer that is cut off"
        del rest[:size]
        return piece

    while rest:
        yield frames.read_frame(read_exactly, frames.PIECE_BYTES)


def pack_put(
    key: bytes, data: bytes, digest: bytes, *, number: int = 7, size: int | None = None
) -> bytes:
    """The frames of a blob, in pieces of at most 1,000 bytes."""
    fields = struct.pack(">QB", len(data) if size is None else size, 0)
    pieces = [pack_frame(FrameKind.PUT, number, fields, key)]
    for begin in range(0, len(data), 1000):
        pieces.append(pack_frame(FrameKind.DATA, number, data[begin : begin + 1000]))
    return b"".join([*pieces, pack_frame(FrameKind.END, number, digest)])
