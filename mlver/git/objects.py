"""Objects read out of git's own store, in one process however many are asked for.

A name is `<commit>:<path>`, an object's id or a full reference; none is followed further than it
says.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from mlver.digest import Digest
from mlver.git.kept import stream_answers
from mlver.git.process import GitProcess
from mlver.records import byte_limits

_BATCH = ("cat-file", "--batch")
_CHECK = ("cat-file", "--batch-check")
_PIECE = 1 << 20
# git reads a whole folder for each path in it, so from this many paths on, it is read once, first.
_TOGETHER = 16


class GitObject(NamedTuple):
    """An object as git stores it; `kind` is `blob`, `tree`, `commit` or `tag`."""

    id: str
    kind: bytes
    data: bytes


class RawEntry(NamedTuple):
    """What a tree holds under one name; `mode` is octal, such as `100644`."""

    mode: bytes
    name: bytes
    id: str


def read_objects(process: GitProcess, specs: Iterable[str]) -> Iterator[GitObject | None]:
    """Read what each name stands for, in turn; None where it stands for nothing."""
    requests = _encode_requests(process, specs)
    found: list[GitObject | None] = []
    with stream_answers(process, _BATCH, _join_lines(requests)) as stream:
        for _ in requests:
            header = _parse_header(stream.readline()[:-1])
            if header is None:
                found.append(None)
                continue
            object_id, kind, size = header
            found.append(GitObject(object_id, kind, stream.read(size)))
            stream.read(1)
    yield from found


def read_small_object(process: GitProcess, spec: str, limit: int) -> GitObject | None:
    """Read what one name stands for; None where it stands for nothing.

    Of an object with more bytes than `limit`, only its id and its kind: the bytes are left out.
    """
    requests = _encode_requests(process, [spec])
    with stream_answers(process, _BATCH, _join_lines(requests)) as stream:
        header = _parse_header(stream.readline()[:-1])
        if header is None:
            return None
        object_id, kind, size = header
        data = stream.read(size if size <= limit else 0)
        _hash_object(stream, size - len(data))
    return GitObject(object_id, kind, data)


def find_object_id(process: GitProcess, spec: str) -> str | None:
    """Find the id of the object that one name stands for now; None where it stands for nothing."""
    requests = _encode_requests(process, [spec])
    with stream_answers(process, _BATCH, _join_lines(requests)) as stream:
        header = _parse_header(stream.readline()[:-1])
        if header is None:
            return None
        object_id, _, size = header
        _hash_object(stream, size)
        return object_id


def read_blobs(process: GitProcess, specs: Iterable[str]) -> Iterator[bytes | None]:
    """Read the bytes behind each `<commit>:<path>`, in turn; None where there is no such blob.

    Each is in memory as a whole, whatever its size.
    """
    names = _shorten_specs(process, specs)
    for blob in read_objects(process, names):
        if blob is None or blob.kind != b"blob":
            yield None
        else:
            yield blob.data


def read_own_blobs(process: GitProcess, specs: Iterable[str]) -> Iterator[bytes | None]:
    """Read of each `<commit>:<path>` what a file of mlver's can hold at most, and a byte more."""
    wanted: list[tuple[str, int]] = []
    for spec in specs:
        path = spec.partition(":")[2]
        wanted.append((spec, byte_limits.find_byte_limit(path) + 1))
    if wanted:
        yield from read_beginnings(process, wanted)


def identify_objects(process: GitProcess, specs: Iterable[str]) -> Iterator[str]:
    """Find the id of what each name stands for, in turn; empty where it stands for nothing."""
    requests = _encode_requests(process, specs)
    answer = process.read(_CHECK, stdin=_join_lines(requests))
    # a name that stands for nothing comes back, whatever is in it
    for line in answer.split(b"\n")[: len(requests)]:
        header = _parse_header(line)
        yield "" if header is None else header[0]


def read_beginnings(
    process: GitProcess, wanted: Sequence[tuple[str, int]]
) -> Iterator[bytes | None]:
    """Read of the bytes behind each name at most so many; None where there is no such blob.

    What is longer is never in memory as a whole. Read it to its end, as `hash_blobs`.
    """
    names = _shorten_specs(process, [name for name, _ in wanted])
    requests = _encode_requests(process, names)
    with stream_answers(process, _BATCH, _join_lines(requests)) as stream:
        for _, limit in wanted:
            header = _parse_header(stream.readline()[:-1])
            if header is None:
                yield None
                continue
            _, kind, size = header
            beginning = stream.read(min(size, limit))
            _hash_object(stream, size - len(beginning))
            yield beginning if kind == b"blob" else None


def hash_blobs(process: GitProcess, specs: Iterable[str]) -> Iterator[Digest | None]:
    """Hash the same bytes (SHA-256) as they come, so that no blob is in memory as a whole.

    Read it to its end: only then is a failure of git raised, and until then what it lacked looks
    missing.
    """
    names = _shorten_specs(process, specs)
    requests = _encode_requests(process, names)
    with stream_answers(process, _BATCH, _join_lines(requests)) as stream:
        for _ in requests:
            header = _parse_header(stream.readline()[:-1])
            if header is None:
                yield None
                continue
            _, kind, size = header
            digest = _hash_object(stream, size)
            yield digest if kind == b"blob" else None


def _hash_object(stream: BinaryIO, size: int) -> Digest:
    """Hash so many bytes, behind which there is one more: the end of a line."""
    hasher = hashlib.sha256()
    remaining = size
    while remaining:
        piece = stream.read(min(remaining, _PIECE))
        if not piece:
            break
        hasher.update(piece)
        remaining -= len(piece)
    stream.read(1)
    return Digest(hasher.hexdigest())


def _shorten_specs(process: GitProcess, specs: Iterable[str]) -> list[str]:
    """Replace each spec by the object id behind it, where that is known beforehand."""
    wanted = list(specs)
    object_ids = find_neighbours(process, wanted)
    return [object_ids.get(spec, spec) for spec in wanted]


def find_neighbours(
    process: GitProcess, specs: Iterable[str], *, together: int = _TOGETHER
) -> dict[str, str]:
    """Find the object ids behind specs, where so many name files of one folder of one commit.

    An id is empty where that folder has no such name. A folder that cannot be read is left out.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for spec in specs:
        folder, _, name = spec.rpartition("/")
        if ":" in folder:
            folders[folder].append(name)
    crowded = [folder for folder, names in folders.items() if len(names) >= together]
    if not crowded:
        return {}
    object_ids: dict[str, str] = {}
    for folder, tree in zip(crowded, read_objects(process, crowded), strict=True):
        if tree is None or tree.kind != b"tree":
            continue
        # of a name that is there twice, git finds the first
        entries = dict(reversed([(entry.name, entry.id) for entry in list_entries(tree)]))
        for name in folders[folder]:
            encoded = _encode_name(name)
            object_ids[f"{folder}/{name}"] = entries.get(encoded, "")
    return object_ids


def list_entries(tree: GitObject) -> Iterator[RawEntry]:
    """List the entries of a tree, each of which is `<mode> <name>NUL<raw id>`."""
    width = len(tree.id) // 2
    start = 0
    while True:
        end = tree.data.find(b"\0", start)
        if end < 0:
            return
        mode, _, name = tree.data[start:end].partition(b" ")
        start = end + 1 + width
        object_id = tree.data[end + 1 : start]
        yield RawEntry(mode, name, object_id.hex())


def _encode_requests(process: GitProcess, specs: Iterable[str]) -> list[bytes]:
    """Encode each spec as a line; git would take a carriage return at its end for part of that."""
    requests: list[bytes] = []
    for spec in specs:
        name = spec
        if "\n" in spec or spec.endswith("\r"):
            name = _resolve_name(process, spec)
        requests.append(_encode_name(name))
    return requests


def _join_lines(requests: Sequence[bytes]) -> bytes:
    return b"".join(request + b"\n" for request in requests)


def _parse_header(line: bytes) -> tuple[str, bytes, int] | None:
    """Parse an object's id, kind and size; None for `<spec> missing`, `<spec> ambiguous`."""
    object_id, _, rest = line.partition(b" ")
    kind, _, size = rest.partition(b" ")
    if not size.isdigit():
        return None
    return object_id.decode(), kind, int(size)


def _resolve_name(process: GitProcess, spec: str) -> str:
    """Resolve an object's name that would break a list of lines to its id; empty where none."""
    if not _encode_name(spec):
        return ""
    finished = process.try_read(["rev-parse", "--quiet", "--verify", spec])
    return finished.out.decode().strip()


def _encode_name(spec: str) -> bytes:
    """Encode a name as git keeps it; empty, which names no object, for what no name can be."""
    if "\0" in spec:
        return b""
    try:
        return os.fsencode(spec)
    except UnicodeEncodeError:
        return b""
