"""Contents on a git-lfs server: an object each, named by its own SHA-256, which is our digest.

There are no packs and no parts, since such a server lists nothing: what it has is asked by name.
Nothing is ever deleted there either, for the protocol has no request for that. The server says
whether it has a content of this name and size; only reading the content back proves it. It has to
be told the size, so the sizes of what was sent are kept with the git remote's references.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple, Protocol

from mlver.digest import Digest
from mlver.errors import MlverError, refusal_error
from mlver.storage.digests import DigestSet
from mlver.storage.remote.team_store import (
    Confirmation,
    DownloadReport,
    TransferOptions,
    UploadReport,
    UploadSource,
)
from mlver.storage.store import RepositoryIntake
from mlver.system import copying
from mlver.system.parallel import LARGE, hash_descriptor, ignore_progress, split_batches
from mlver.system.regular import open_regular, reading_regular

# git-lfs is started once for so much: its words have to fit a command, and what it brings lies on
# the disk twice until it is stored.
BATCH_OBJECTS = 500
BATCH_BYTES = 256 << 20
_EMPTY = Digest.of_bytes(b"")
_PLAIN = TransferOptions()
# So many bytes of small contents are in memory at once.
_TOGETHER_BYTES = 32 << 20
# Why `gc` leaves such a remote alone.
CANNOT_DELETE = (
    "a git-lfs server deletes nothing that it is asked to delete: the protocol has no request for"
    " that. Remove objects with the means of whoever runs the server"
)


class LfsAnswer(Protocol):
    """Contents that were asked for in vain: not there, or there with other bytes."""

    @property
    def missing(self) -> AbstractSet[str]: ...

    @property
    def wrong(self) -> AbstractSet[str]: ...


class LfsExchange(Protocol):
    """Contents on their way, by 64 hexadecimal digits. A folder of files is between us and git-lfs.

    All of it raises MlverError where the server refuses, or does not answer.
    """

    def empty_storage(self) -> None:
        """Forget the files."""
        ...

    def locate_object(self, oid: str) -> Path:
        """The file of a content: to be put there, or brought."""
        ...

    def send_objects(self, oids: Sequence[str]) -> None:
        """Send those of the contents that the server lacks."""
        ...

    def fetch_objects(self, sizes: Mapping[str, int]) -> LfsAnswer:
        """Have contents brought; nothing that came is proven."""
        ...

    def ask_objects(self, sizes: Mapping[str, int]) -> LfsAnswer:
        """Ask which contents the server has, of this size. The folder is empty then."""
        ...

    def read_sizes(self) -> dict[str, int]:
        """The sizes that pushes have listed."""
        ...

    def publish_sizes(self, sizes: Mapping[str, int]) -> None:
        """List more of them."""
        ...


class LfsProgram(Protocol):
    """Satisfied by `mlver.git.lfs.GitLfs`."""

    @property
    def address(self) -> str: ...

    def open_exchange(self, stall: float = ...) -> AbstractContextManager[LfsExchange]: ...


class _WantedContent(NamedTuple):
    digest: Digest
    size: int


class _KnownContents(NamedTuple):
    """What a remote answered: what it lacks, all sizes that are known, and those listed there."""

    wanted: frozenset[Digest]
    missing: frozenset[Digest]
    sizes: Mapping[Digest, int]
    listed: frozenset[Digest]


@dataclass(slots=True)
class LfsStore:
    """Satisfies TeamStore. `find_sizes` knows the sizes of contents that are on this machine."""

    program: LfsProgram
    find_sizes: Callable[[Collection[Digest]], Mapping[Digest, int]]
    deletion_refusal: str = CANNOT_DELETE
    _answer: _KnownContents | None = field(init=False, default=None)

    @property
    def address(self) -> str:
        """See TeamStore."""
        return self.program.address

    def describe_endpoint(self) -> str:
        """The address that bytes really go to, for the person who is asked to confirm it."""
        return self.program.address

    def find_missing(
        self, wanted: Collection[Digest], options: TransferOptions = _PLAIN
    ) -> frozenset[Digest]:
        """See TeamStore. What nobody knows the size of cannot be asked for, and counts as missing.

        That is so for contents that are not on this machine and that no push of mlver brought.
        """
        with self.program.open_exchange(options.timings.stall) as exchange:
            listed = _read_listed(exchange, wanted)
            sizes = {**listed, **self.find_sizes(wanted)}
            missing = {digest for digest in wanted if digest not in sizes and digest != _EMPTY}
            for batch in _split_wanted(wanted, sizes):
                answer = exchange.ask_objects(_map_sizes(batch))
                for digest, _ in batch:
                    if digest.hex in answer.missing or digest.hex in answer.wrong:
                        missing.add(digest)
        found = frozenset(missing)
        self._answer = _KnownContents(frozenset(wanted), found, sizes, frozenset(listed))
        return found

    def upload(
        self,
        source: UploadSource,
        wanted: Collection[Digest],
        options: TransferOptions = _PLAIN,
    ) -> UploadReport:
        """See TeamStore."""
        answer = self._answer
        if answer is None or not answer.wanted.issuperset(wanted):
            self.find_missing(wanted, options)
            answer = self._answer
        self._answer = None
        assert answer is not None
        to_send = [digest for digest in wanted if digest in answer.missing]
        source.require_objects(to_send)
        bytes_sent = sum(answer.sizes[digest] for digest in to_send)
        options.expect(bytes_sent)
        with self.program.open_exchange(options.timings.stall) as exchange:
            self._send_contents(exchange, source, to_send, answer.sizes, options)
            unlisted = {}
            for digest in wanted:
                if digest not in answer.listed and digest in answer.sizes:
                    unlisted[digest.hex] = answer.sizes[digest]
            if unlisted:
                exchange.publish_sizes(unlisted)
        confirmed = None
        if to_send:
            confirmed = Confirmation.READ_BACK if options.read_back else Confirmation.UNPROVEN
        total = sum(answer.sizes.get(digest, 0) for digest in wanted)
        return UploadReport(len(to_send), bytes_sent, total, confirmed)

    def _send_contents(
        self,
        exchange: LfsExchange,
        source: UploadSource,
        to_send: Sequence[Digest],
        sizes: Mapping[Digest, int],
        options: TransferOptions,
    ) -> None:
        """Send contents; an error says how many of them are there by then."""
        done = 0
        try:
            for batch in _split_wanted(to_send, sizes):
                self._send_batch(exchange, source, batch, options)
                done += len(batch)
        except MlverError as error:
            if done:
                error.message += f"\n{done:,} of {len(to_send):,} objects are stored there now"
            raise

    def _send_batch(
        self,
        exchange: LfsExchange,
        source: UploadSource,
        batch: Sequence[_WantedContent],
        options: TransferOptions,
    ) -> None:
        """Send contents and have the server say that it has them."""
        exchange.empty_storage()
        _place_contents(exchange, source, batch)
        exchange.send_objects([digest.hex for digest, _ in batch])
        answer = exchange.ask_objects(_map_sizes(batch))
        unconfirmed = answer.missing | answer.wrong
        if not unconfirmed and options.read_back:
            answer = exchange.fetch_objects(_map_sizes(batch))
            unconfirmed = answer.missing | answer.wrong
            brought = [content for content in batch if content.digest.hex not in unconfirmed]
            unconfirmed |= _find_wrong(exchange, brought)
        if unconfirmed:
            raise self._unconfirmed_error(unconfirmed)
        for _, size in batch:
            options.progress(size)

    def _unconfirmed_error(self, unconfirmed: AbstractSet[str]) -> MlverError:
        shown = ", ".join(f"sha256:{oid}" for oid in sorted(unconfirmed)[:3])
        return MlverError(
            f"{self.address} took {len(unconfirmed):,} objects without an error, and does not hold"
            f" them now, or holds other bytes: {shown}. Tell whoever runs the server; nothing of"
            " this push counts as stored there",
            hint="git lfs env",
        )

    def download(
        self,
        wanted: Collection[Digest],
        intake: RepositoryIntake,
        options: TransferOptions = _PLAIN,
        sizes: Mapping[Digest, int] | None = None,
    ) -> DownloadReport:
        """See TeamStore. `sizes` are those that the caller knows.

        A large content that was cut off begins again.
        """
        objects = received = 0
        if _EMPTY in wanted:
            intake.put_proven([(_EMPTY, b"")])
            objects += 1
        missing: set[Digest] = set()
        wrong: dict[Digest, str] = {}
        with self.program.open_exchange(options.timings.stall) as exchange:
            known = dict(sizes or {})
            if any(digest not in known for digest in wanted):
                known = {**_read_listed(exchange, wanted), **known}
            missing.update(digest for digest in wanted if digest not in known)
            missing.discard(_EMPTY)
            options.expect(sum(known.get(digest, 0) for digest in wanted))
            for batch in _split_wanted(wanted, known):
                fetched = _fetch_batch(exchange, intake, batch)
                missing.update(fetched.missing)
                wrong.update(dict.fromkeys(fetched.wrong, self.address))
                for _, size in fetched.taken:
                    objects += 1
                    received += size
                    options.progress(size)
        return DownloadReport(objects, received, frozenset(missing), wrong)


def _read_listed(exchange: LfsExchange, wanted: Collection[Digest]) -> dict[Digest, int]:
    """The sizes of those of the contents that pushes have listed."""
    listed = exchange.read_sizes()
    sizes = {}
    for digest in wanted:
        size = listed.get(digest.hex)
        if size is not None:
            sizes[digest] = size
    return sizes


class _FetchedBatch(NamedTuple):
    taken: list[_WantedContent]
    missing: list[Digest]
    wrong: list[Digest]


def _fetch_batch(
    exchange: LfsExchange, intake: RepositoryIntake, batch: Sequence[_WantedContent]
) -> _FetchedBatch:
    """Have contents brought, hash them, and hand over those that are right."""
    exchange.empty_storage()
    answer = exchange.fetch_objects(_map_sizes(batch))
    arrived = []
    fetched = _FetchedBatch([], [], [])
    for content in batch:
        if content.digest.hex in answer.missing:
            fetched.missing.append(content.digest)
        elif content.digest.hex in answer.wrong:
            fetched.wrong.append(content.digest)
        else:
            arrived.append(content)
    unsound = _take_contents(exchange, intake, arrived)
    for content in arrived:
        if content in unsound:
            fetched.wrong.append(content.digest)
        else:
            fetched.taken.append(content)
    return fetched


def _split_wanted(
    digests: Collection[Digest], sizes: Mapping[Digest, int]
) -> Iterator[list[_WantedContent]]:
    """The contents whose size is known, in batches.

    The empty one is left out: git-lfs never stores it, and nobody needs to.
    """
    contents = (
        _WantedContent(digest, sizes[digest])
        for digest in digests
        if digest in sizes and digest != _EMPTY
    )
    return split_batches(
        contents, BATCH_OBJECTS, most_bytes=BATCH_BYTES, count_bytes=lambda content: content.size
    )


def _map_sizes(batch: Sequence[_WantedContent]) -> dict[str, int]:
    return {digest.hex: size for digest, size in batch}


def _place_contents(
    exchange: LfsExchange, source: UploadSource, batch: Sequence[_WantedContent]
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


def _find_wrong(exchange: LfsExchange, batch: Sequence[_WantedContent]) -> set[str]:
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


def _take_contents(
    exchange: LfsExchange, intake: RepositoryIntake, batch: Sequence[_WantedContent]
) -> list[_WantedContent]:
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
    content: _WantedContent,
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
