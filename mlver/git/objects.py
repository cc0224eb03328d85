"""Objects read out of git's own store, in one process however many are asked for.

Asked for is `<commit>:<path>`, an object's id or a full reference; no name is followed further than it says.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, NamedTuple

from mlver.digest import Digest
from mlver.git.process import Process

_BATCH = ("cat-file", "--batch")
_PIECE = 1 << 20
# From so many paths of one folder in one commit on, the folder is read first: git reads all of it for each path.
_TOGETHER = 16


class Object(NamedTuple):
    """An object as git stores it; `kind` is `blob`, `tree`, `commit` or `tag`."""

    id: str
    kind: bytes
    data: bytes


def read(process: Process, specs: Iterable[str]) -> Iterator[Object | None]:
    """What each names, in turn; None where there is nothing."""
    asked = _asked(process, specs)
    out = process.read(_BATCH, stdin=_lines(asked))
    at = 0
    for _ in asked:
        end = out.index(b"\n", at)
        header = _header(out[at:end])
        at = end + 1
        if header is None:
            yield None
            continue
        name, kind, size = header
        yield Object(name, kind, out[at : at + size])
        at += size + 1


def blobs(process: Process, specs: Iterable[str]) -> Iterator[bytes | None]:
    """The bytes behind each `<commit>:<path>`, in turn; None where there is no such blob."""
    wanted = list(specs)
    ids = _neighbours(process, wanted)
    for found in read(process, (ids.get(spec, spec) for spec in wanted)):
        yield found.data if found is not None and found.kind == b"blob" else None


def digests(process: Process, specs: Iterable[str]) -> Iterator[Digest | None]:
    """The SHA-256 of the same bytes, hashed as they come, so that no blob is in memory as a whole.

    Read it to its end: only then is a git that failed told of, and until then what it lacked looks missing.
    """
    wanted = list(specs)
    ids = _neighbours(process, wanted)
    asked = _asked(process, (ids.get(spec, spec) for spec in wanted))
    with process.streamed(_BATCH, stdin=_lines(asked)) as out:
        for _ in asked:
            header = _header(out.readline()[:-1])
            if header is None:
                yield None
                continue
            found = _digest(out, header[2])
            yield found if header[1] == b"blob" else None


def _digest(out: BinaryIO, size: int) -> Digest:
    """Of so many bytes, behind which there is one more: the end of a line."""
    hasher = hashlib.sha256()
    while size and (piece := out.read(min(size, _PIECE))):
        hasher.update(piece)
        size -= len(piece)
    out.read(1)
    return Digest(hasher.hexdigest())


def _neighbours(process: Process, specs: Iterable[str]) -> dict[str, str]:
    """The object ids behind those that have many others beside them in the same folder of the same commit.

    Empty where that folder has no such name. A folder that cannot be had says nothing of any.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for spec in specs:
        folder, _, name = spec.rpartition("/")
        if ":" in folder:
            folders[folder].append(name)
    full = {folder: names for folder, names in folders.items() if len(names) >= _TOGETHER}
    found: dict[str, str] = {}
    for (folder, names), tree in zip(
        full.items(), read(process, full) if full else (), strict=True
    ):
        if tree is not None and tree.kind == b"tree":
            held = dict(
                reversed(list(_listed(tree)))
            )  # of a name that is there twice, git finds the first
            found |= {f"{folder}/{name}": held.get(_encoded(name), "") for name in names}
    return found


def _listed(tree: Object) -> Iterator[tuple[bytes, str]]:
    """The name and the object id of each entry of a tree, as git keeps them: `<mode> <name>NUL<raw id>`."""
    width = len(tree.id) // 2
    at = 0
    while (end := tree.data.find(b"\0", at)) >= 0:
        entry = tree.data[at:end]
        at = end + 1 + width
        yield entry.partition(b" ")[2], tree.data[end + 1 : at].hex()


def _asked(process: Process, specs: Iterable[str]) -> list[bytes]:
    """Each on a line of its own; of a line's end git takes a carriage return away, too."""
    return [
        _encoded(_resolved(process, one) if "\n" in one or one.endswith("\r") else one)
        for one in specs
    ]


def _lines(asked: Sequence[bytes]) -> bytes:
    return b"".join(spec + b"\n" for spec in asked)


def _header(line: bytes) -> tuple[str, bytes, int] | None:
    """An object's id, kind and size; None for `<spec> missing`, `<spec> ambiguous`."""
    name, _, rest = line.partition(b" ")
    kind, _, size = rest.partition(b" ")
    return (name.decode(), kind, int(size)) if size.isdigit() else None


def _resolved(process: Process, spec: str) -> str:
    """The id of an object whose name would break a list of one a line; empty where there is none."""
    if not _encoded(spec):
        return ""
    return process.try_read(["rev-parse", "--quiet", "--verify", spec]).out.decode().strip()


def _encoded(spec: str) -> bytes:
    """A name as git keeps it; empty, which names no object, for text that no name can be."""
    try:
        return b"" if "\0" in spec else os.fsencode(spec)
    except UnicodeEncodeError:
        return b""
