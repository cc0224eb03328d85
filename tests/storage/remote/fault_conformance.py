"""What every back-end keeps while the network and the server fail, as tests.

The test class of a back-end inherits these and supplies blobs whose server is behind a proxy:

class TestMineUnderFaults(FaultConformance):
    @pytest.fixture
    def faulty(self, …) -> Iterator[FaultyServer]:
        with FaultProxy(server.port) as proxy:
            yield FaultyServer(proxy, open_it(proxy.port, PATIENT), open_it(server.port))

Each test stores contents and reads them again, once for each request that this takes, with a fault
at that request. Whatever happens: a content that was acknowledged is there, and no wrong byte is
given to anybody.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import pytest

from mlver.digest import Digest
from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.storage.remote.blobs import BlobStore, BytesBlob
from mlver.storage.remote.retrying import RetryingBlobs
from mlver.storage.remote.team_store import TransferOptions
from mlver.system.timings import RetryPolicy, Timings
from tests.servers.proxy import Fault, FaultKind
from tests.storage.remote.transfers import ONE_JOB, read_contents, store_contents

RETRIES = RetryPolicy(attempts=4, first_wait=0, longest_wait=0, patience=60)
# For the back-end under test: on a machine that is busy, nothing else is taken for a stall.
PATIENT = Timings(retries=RETRIES, connect=30.0, silence=30.0)
# Stalls are noticed soon.
SHORT = Timings(retries=RETRIES, connect=5.0, silence=1.0, stall=5.0)
VERIFY = replace(ONE_JOB, read_back=True)

CUTS = (
    Fault(FaultKind.REFUSED),
    Fault(FaultKind.CUT_UP, 60),
    Fault(FaultKind.LOST_ANSWER),
    Fault(FaultKind.CUT_DOWN, 30),
    Fault(FaultKind.CUT_DOWN, 5, in_body=True),
)
FLIP_UP = Fault(FaultKind.FLIP_UP, 3, in_body=True)
FLIP_DOWN = Fault(FaultKind.FLIP_DOWN, 3, in_body=True)
STALLS = (Fault(FaultKind.STALL_UP, 60), Fault(FaultKind.STALL_DOWN, 30))


class FaultInjector(Protocol):
    """Lets faults happen to requests, by their numbers; satisfied by `FaultProxy`."""

    @property
    def seen(self) -> int: ...

    @property
    def fired(self) -> int: ...

    def reset_faults(self, faults: Mapping[int, Any]) -> None: ...

    def close_proxy(self) -> None: ...


class FaultyStorage(Protocol):
    """Somewhere contents are stored, where the way there fails as `proxy` is told."""

    @property
    def proxy(self) -> FaultInjector: ...

    def store(
        self, spool: Path, contents: Iterable[bytes], options: TransferOptions = ONE_JOB
    ) -> list[Digest]:
        """Send contents as `push` does; their digests."""
        ...

    def read(self, spool: Path, digests: Iterable[Digest]) -> list[bytes]:
        """Bring contents as `pull` does, for somebody who has asked nothing yet."""
        ...

    def read_soundly(self, spool: Path, digests: Iterable[Digest]) -> list[bytes]:
        """The same by a way that does not fail."""
        ...

    def touch(self, spool: Path) -> object:
        """Do anything that ends in an error where nobody answers."""
        ...

    def change_all(self, change: Callable[[bytes], bytes]) -> None:
        """Change all that is stored, behind everybody's back."""
        ...

    def clear_all(self) -> None:
        """Remove all that is stored."""
        ...

    def repair(self) -> None:
        """Do what only those who run the server can, once an error has told of it."""
        ...

    def lose_patience(self) -> Self:
        """The same, where a stall is noticed soon."""
        ...


@dataclass(frozen=True, slots=True)
class FaultyServer:
    """Satisfies FaultyStorage: blobs through a proxy, and the same blobs without it.

    `impatient` are the same blobs, for stalls.
    """

    proxy: FaultInjector
    blobs: BlobStore
    sound: BlobStore
    impatient: BlobStore | None = None

    def retry(self) -> RetryingBlobs:
        return RetryingBlobs(self.blobs, RETRIES)

    def store(
        self, spool: Path, contents: Iterable[bytes], options: TransferOptions = ONE_JOB
    ) -> list[Digest]:
        return store_contents(self.retry(), spool, contents, options)

    def read(self, spool: Path, digests: Iterable[Digest]) -> list[bytes]:
        return read_contents(self.retry(), spool, digests)

    def read_soundly(self, spool: Path, digests: Iterable[Digest]) -> list[bytes]:
        return read_contents(self.sound, spool, digests)

    def touch(self, spool: Path) -> object:
        return self.store(spool, [b"never"])

    def change_all(self, change: Callable[[bytes], bytes]) -> None:
        change_blobs(self.sound, change)

    def clear_all(self) -> None:
        for info in list(self.sound.list_blobs("")):
            self.sound.delete_blob(info.key)

    def repair(self) -> None:
        """Nothing is left for a person to do."""

    def lose_patience(self) -> Self:
        assert self.impatient is not None
        return replace(self, blobs=self.impatient)


def change_blobs(blobs: BlobStore, change: Callable[[bytes], bytes]) -> None:
    """Change each blob, behind the back of whoever stored it."""
    for info in list(blobs.list_blobs("")):
        data = blobs.get_range(info.key, 0, info.size)
        blobs.replace_blob(info.key, BytesBlob(change(data)))


def make_contents(number: int) -> list[bytes]:
    """Small ones, which come into a pack, and a large one; others each time."""
    large = b"large %d " % number + os.urandom(1 << 20)
    return [b"small %d" % number, b"x" * 100 + b"%d" % number, large]


class FaultConformance:
    # So many of the requests of one run meet a fault, spread over all. A long run takes each.
    SPREAD = 6
    # The faults that can happen here, and what an error says of a server that is busy.
    CUTS: ClassVar[tuple[Any, ...]] = CUTS
    FLIPS: ClassVar[tuple[Any, ...]] = (FLIP_UP, FLIP_DOWN)
    STALLS: ClassVar[tuple[Any, ...]] = STALLS
    BUSY: ClassVar[Any] = Fault(FaultKind.BUSY)
    BUSY_WORDS = "503"
    # It is busy for three requests, from these on.
    BUSY_FROM: ClassVar[tuple[int, ...]] = (0, 2, 5)

    @pytest.fixture
    def spool(self, tmp_path: Path) -> Path:
        return tmp_path / "spool"

    @pytest.fixture
    def every(self, request: pytest.FixtureRequest) -> bool:
        """Whether each request meets each fault."""
        return bool(request.config.getoption("--long"))

    def test_what_was_acknowledged_outlives_a_cut(
        self, faulty: FaultyStorage, spool: Path, every: bool
    ) -> None:
        assert self._sweep(faulty, spool, self.CUTS, every=every) > len(self.CUTS) * 2

    def test_a_flipped_bit_is_never_accepted(
        self, faulty: FaultyStorage, spool: Path, every: bool
    ) -> None:
        # Not every request or answer has a body.
        enough = 1000 if every else self.SPREAD
        for fault in self.FLIPS:
            assert self._sweep(faulty, spool, [fault], every=True, enough=enough) >= 3

    def test_a_stalled_connection_is_given_up(
        self, faulty: FaultyStorage, spool: Path, every: bool
    ) -> None:
        faulty = faulty.lose_patience()
        for fault in self.STALLS:
            self._run_once(faulty, spool, {1: fault, 4: fault})

    def test_a_server_that_is_busy_is_asked_again(self, faulty: FaultyStorage, spool: Path) -> None:
        if self.BUSY is None:
            return
        for first in self.BUSY_FROM:
            assert self._run_once(faulty, spool, dict.fromkeys(range(first, first + 3), self.BUSY))
        # For ever, it ends with a message.
        faulty.proxy.reset_faults(dict.fromkeys(range(1000), self.BUSY))
        with pytest.raises(MlverError, match=self.BUSY_WORDS):
            faulty.touch(spool)

    def test_a_server_that_is_gone_ends_in_a_message(
        self, faulty: FaultyStorage, spool: Path
    ) -> None:
        faulty.proxy.close_proxy()
        with pytest.raises(MlverError) as caught:
            faulty.touch(spool)
        assert "Traceback" not in caught.value.message

    def test_wrong_bytes_on_the_server_are_never_given_out(
        self, faulty: FaultyStorage, spool: Path
    ) -> None:
        contents = make_contents(0)
        digests = faulty.store(spool, contents)
        faulty.change_all(flip_bit)
        for digest in digests:
            with pytest.raises((ObjectDamaged, ObjectMissing)):
                faulty.read(spool, [digest])
        # Stored again, they are whole again, if what is there is not believed.
        self._store_anew(faulty, spool, contents)
        assert faulty.read(spool, digests) == contents

    def test_a_blob_of_another_size_is_not_taken_for_a_content(
        self, faulty: FaultyStorage, spool: Path
    ) -> None:
        contents = make_contents(1)
        digests = faulty.store(spool, contents)
        faulty.change_all(resize_data)
        for digest in digests:
            with pytest.raises((ObjectDamaged, ObjectMissing)):
                faulty.read(spool, [digest])
        assert faulty.store(spool, contents) == digests
        assert faulty.read(spool, digests) == contents

    def _store_anew(self, faulty: FaultyStorage, spool: Path, contents: list[bytes]) -> None:
        """Store what is there with other bytes, so that it is whole then."""
        faulty.store(spool, contents, VERIFY)

    def _sweep(
        self,
        faulty: FaultyStorage,
        spool: Path,
        faults: Iterable[Any],
        *,
        every: bool,
        enough: int = 1000,
    ) -> int:
        """Run once for each fault and request; how many faults took effect.

        No other run begins once `enough` of them did.
        """
        self._run_once(faulty, spool, {})
        total = faulty.proxy.seen
        step = 1 if every else max(1, total // self.SPREAD)
        fired = 0
        for fault in faults:
            for request in range(0, total, step):
                if fired < enough:
                    fired += self._run_once(faulty, spool, {request: fault})
        return fired

    def _run_once(self, faulty: FaultyStorage, spool: Path, faults: Mapping[int, Any]) -> int:
        """Store and read with these faults; how many took effect.

        An error is allowed. It must be one of ours, and must leave nothing acknowledged behind.
        """
        # What earlier runs stored would be read in each.
        faulty.clear_all()
        contents = make_contents(int.from_bytes(os.urandom(4)))
        faulty.proxy.reset_faults(faults)
        try:
            digests = faulty.store(spool, contents)
        except MlverError:
            faulty.repair()
            # Once the fault is over, the same succeeds.
            digests = faulty.store(spool, contents)
        assert faulty.read_soundly(spool, digests) == contents
        try:
            assert faulty.read(spool, digests) == contents
        except MlverError:
            assert faulty.read(spool, digests) == contents
        return faulty.proxy.fired


def flip_bit(data: bytes) -> bytes:
    """What a server has that stores wrong bytes."""
    place = len(data) // 2
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


def resize_data(data: bytes) -> bytes:
    """What a server has that loses a byte, or gains one."""
    return data[:-1] if len(data) % 2 else data + b"x"
