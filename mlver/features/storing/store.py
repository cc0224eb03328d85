"""mlver store: the far end of an `ssh://` remote."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mlver.storage.remote.directory import MARKER, DirectoryBlobs, init_directory
from mlver.storage.remote.serving import serve_blobs

_INPUT, _OUTPUT = 0, 1
# The far end reads nothing back of what it hashed when it came.
_DIRECT_FROM = 4 << 20


@dataclass(frozen=True, slots=True)
class StoreResult:
    """A directory that is a store now, and whether it was made one just now."""

    path: str
    made: bool


def init_store(folder: Path) -> StoreResult:
    """Make a directory a store of blobs, durably."""
    folder = folder.absolute()
    is_store = (folder / MARKER).exists()
    init_directory(folder)
    return StoreResult(os.fspath(folder), not is_store)


def serve_store(folder: Path, *, read_only: bool) -> None:
    """Serve a directory on stdin and stdout until stdin ends."""
    blobs = DirectoryBlobs(folder.absolute(), _DIRECT_FROM)
    serve_blobs(blobs, _INPUT, _OUTPUT, read_only=read_only)
