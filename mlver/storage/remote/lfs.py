"""Contents on a git-lfs server: an object each, named by its own SHA-256, which is our digest.

There are no packs and no parts, since such a server lists nothing: what it has is asked by name.
Nothing is ever deleted there either, for the protocol has no request for that. The server says
whether it has a content of this name and size; only reading the content back proves it. It has to
be told the size, so the sizes of what was sent are kept with the git remote's references.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.storage.remote.lfs_contents import find_wrong, place_contents, take_contents
from mlver.storage.remote.lfs_exchange import (
    EMPTY,
    LfsExchange,
    WantedContent,
    map_sizes,
    split_wanted,
)
from mlver.storage.remote.team_store import (
    Confirmation,
    DownloadReport,
    TransferOptions,
    UploadReport,
    UploadSource,
)
from mlver.storage.store import RepositoryIntake

_PLAIN = TransferOptions()
# Why `gc` leaves such a remote alone.
CANNOT_DELETE = (
    "a git-lfs server deletes nothing that it is asked to delete: the protocol has no request for"
    " that. Remove objects with the means of whoever runs the server"
)


class LfsProgram(Protocol):
    """Satisfied by `mlver.git.lfs.GitLfs`."""

    @property
    def address(self) -> str: ...

    def open_exchange(self, stall: float = ...) -> AbstractContextManager[LfsExchange]: ...


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
            missing = {digest for digest in wanted if digest not in sizes and digest != EMPTY}
            for batch in split_wanted(wanted, sizes):
                answer = exchange.ask_objects(map_sizes(batch))
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
            if options.read_back:
                there = set(wanted) - set(to_send)
                self._prove_contents(exchange, sorted(there, key=str), answer.sizes)
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
            for batch in split_wanted(to_send, sizes):
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
        batch: Sequence[WantedContent],
        options: TransferOptions,
    ) -> None:
        """Send contents and have the server say that it has them."""
        exchange.empty_storage()
        place_contents(exchange, source, batch)
        exchange.send_objects([digest.hex for digest, _ in batch])
        answer = exchange.ask_objects(map_sizes(batch))
        unconfirmed = answer.missing | answer.wrong
        if not unconfirmed and options.read_back:
            unconfirmed = _read_back(exchange, batch)
        if unconfirmed:
            raise self._unconfirmed_error(unconfirmed)
        for _, size in batch:
            options.progress(size)

    def _prove_contents(
        self, exchange: LfsExchange, there: Sequence[Digest], sizes: Mapping[Digest, int]
    ) -> None:
        """Read contents that were there before, and hash them.

        Raises MlverError for other bytes: the server has the name, so it is sent no others.
        """
        wrong: set[str] = set()
        for batch in split_wanted(there, sizes):
            exchange.empty_storage()
            wrong |= _read_back(exchange, batch)
        if wrong:
            raise MlverError(
                f"{self.address} holds other bytes than their names say, or none, for"
                f" {len(wrong):,} objects that it says it has: {_show_objects(wrong)}. git-lfs"
                " never replaces an object: have whoever runs the server remove them there, then"
                " run the same command again",
                hint="git lfs env",
            )

    def _unconfirmed_error(self, unconfirmed: AbstractSet[str]) -> MlverError:
        return MlverError(
            f"{self.address} took {len(unconfirmed):,} objects without an error, and does not hold"
            f" them now, or holds other bytes: {_show_objects(unconfirmed)}. Tell whoever runs the"
            " server; nothing of this push counts as stored there",
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
        if EMPTY in wanted:
            intake.put_proven([(EMPTY, b"")])
            objects += 1
        missing: set[Digest] = set()
        wrong: dict[Digest, str] = {}
        with self.program.open_exchange(options.timings.stall) as exchange:
            known = dict(sizes or {})
            if any(digest not in known for digest in wanted):
                known = {**_read_listed(exchange, wanted), **known}
            missing.update(digest for digest in wanted if digest not in known)
            missing.discard(EMPTY)
            options.expect(sum(known.get(digest, 0) for digest in wanted))
            for batch in split_wanted(wanted, known):
                fetched = _fetch_batch(exchange, intake, batch)
                missing.update(fetched.missing)
                wrong.update(dict.fromkeys(fetched.wrong, self.address))
                for _, size in fetched.taken:
                    objects += 1
                    received += size
                    options.progress(size)
        return DownloadReport(objects, received, frozenset(missing), wrong)


def _read_back(exchange: LfsExchange, batch: Sequence[WantedContent]) -> set[str]:
    """Have contents brought, and hash them; those that the server lacks, or has other bytes of."""
    answer = exchange.fetch_objects(map_sizes(batch))
    unsound = set(answer.missing | answer.wrong)
    brought = [content for content in batch if content.digest.hex not in unsound]
    return unsound | find_wrong(exchange, brought)


def _show_objects(names: AbstractSet[str]) -> str:
    """The first names of objects, for a message."""
    return ", ".join(f"sha256:{oid}" for oid in sorted(names)[:3])


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
    taken: list[WantedContent]
    missing: list[Digest]
    wrong: list[Digest]


def _fetch_batch(
    exchange: LfsExchange, intake: RepositoryIntake, batch: Sequence[WantedContent]
) -> _FetchedBatch:
    """Have contents brought, hash them, and hand over those that are right."""
    exchange.empty_storage()
    answer = exchange.fetch_objects(map_sizes(batch))
    arrived = []
    fetched = _FetchedBatch([], [], [])
    for content in batch:
        if content.digest.hex in answer.missing:
            fetched.missing.append(content.digest)
        elif content.digest.hex in answer.wrong:
            fetched.wrong.append(content.digest)
        else:
            arrived.append(content)
    unsound = take_contents(exchange, intake, arrived)
    for content in arrived:
        if content in unsound:
            fetched.wrong.append(content.digest)
        else:
            fetched.taken.append(content)
    return fetched
