"""The files of contents that git-lfs takes, and of those that it brought: each is hashed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import BufferedReader
from pathlib import Path

from mlver.digest import Digest
from mlver.errors import refusal_error
from mlver.storage.digests import DigestSet
from mlver.storage.remote.lfs_exchange import LfsExchange, WantedContent
from mlver.storage.remote.team_store import UploadSource
from mlver.storage.store import RepositoryIntake
from mlver.system import copying
from mlver.system.parallel import LARGE, hash_descriptor, ignore_progress
from mlver.system.regular import open_regular, reading_regular

# So many bytes of small contents are in memory at once.
_TOGETHER_BYTES = 32 << 20


def place_contents(
    exchange: LfsExchange, source: UploadSource, batch: Sequence[WantedContent]
) -> None:
    """Put the bytes of contents, hashed, where git-lfs takes them from."""
    small = []
    for digest, size in batch:
        if size < LARGE:
            small.append(bytes.fromhex(digest.hex))
    placed = set()
    try:
        for digest, data in source.read_small(DigestSet.from_raw(small), LARGE):
            exchange.locate_object(digest.hex).write_bytes(data)
            placed.add(digest)
        for digest, _ in batch:
            if digest not in placed:
                _place_large(exchange.locate_object(digest.hex), source, digest)
    except OSError as error:
        raise refusal_error("preparing objects for git-lfs", error) from error


def _place_large(path: Path, source: UploadSource, digest: Digest) -> None:
    """Put one content at a path, sharing its blocks with the store if it lies there as a file."""
    descriptor = source.open_object(digest)
    if descriptor is not None:
        try:
            is_sound = hash_descriptor(descriptor, None, ignore_progress)[0] == digest.hex
            if is_sound and _share_file(descriptor, path):
                return
        except OSError:
            # The copy that the store finds next may be a sound one.
            pass
        finally:
            os.close(descriptor)
    with path.open("xb") as out:
        source.copy_object(digest, out)


def _share_file(descriptor: int, path: Path) -> bool:
    """Make `path` another name of an open file, or a file of the same blocks, if that can be."""
    with path.open("xb") as out:
        if copying.clone_blocks(descriptor, out.fileno()):
            return True
    path.unlink()
    return copying.link_descriptor(descriptor, os.fspath(path))


def find_wrong(exchange: LfsExchange, batch: Sequence[WantedContent]) -> set[str]:
    """Those of the contents that were brought whose bytes are not theirs."""
    wrong = set()
    for digest, _ in batch:
        descriptor = open_regular(exchange.locate_object(digest.hex))
        try:
            if hash_descriptor(descriptor, None, ignore_progress)[0] != digest.hex:
                wrong.add(digest.hex)
        finally:
            os.close(descriptor)
    return wrong


def take_contents(
    exchange: LfsExchange, intake: RepositoryIntake, batch: Sequence[WantedContent]
) -> list[WantedContent]:
    """Hash the contents that were brought and hand them over; return those with other bytes."""
    wrong = []
    small: list[tuple[Digest, bytes]] = []
    try:
        for content in batch:
            path = exchange.locate_object(content.digest.hex)
            with reading_regular(path) as file:
                if not _take_content(file, content, intake, small):
                    wrong.append(content)
            path.unlink()
            if sum(len(data) for _, data in small) >= _TOGETHER_BYTES:
                intake.put_proven(small)
                small = []
        intake.put_proven(small)
    except OSError as error:
        raise refusal_error("taking in what git-lfs brought", error) from error
    return wrong


def _take_content(
    file: BufferedReader,
    content: WantedContent,
    intake: RepositoryIntake,
    small: list[tuple[Digest, bytes]],
) -> bool:
    """Hand a content over, or keep it with other small ones; False where it has other bytes."""
    if os.fstat(file.fileno()).st_size < LARGE:
        data = file.read()
        if Digest.of_bytes(data) != content.digest:
            return False
        small.append((content.digest, data))
        return True
    hexadecimal, _ = hash_descriptor(file.fileno(), None, ignore_progress)
    if hexadecimal != content.digest.hex:
        return False
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return intake.put_object(file) == content.digest
