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
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mlver.errors import MlverError, ObjectDamaged, ObjectMissing
from mlver.storage.remote.blobs import BlobInfo, BlobStore, BytesSource
from mlver.storage.remote.retrying import RetryingBlobs
from mlver.system.timings import RetryPolicy, Timings
from tests.servers.proxy import Fault, FaultKind, FaultProxy
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


@dataclass(frozen=True, slots=True)
class FaultyServer:
    """Blobs through a proxy, and the same blobs without it.

    `is_http` is False where the proxy cannot tell one request from the next: its faults are those
    of connections then, and there is no 503. `impatient` are the same blobs, for stalls.
    """

    proxy: FaultProxy
    blobs: BlobStore
    sound: BlobStore
    is_http: bool = True
    impatient: BlobStore | None = None

    def retry(self) -> RetryingBlobs:
        return RetryingBlobs(self.blobs, RETRIES)


def make_contents(number: int) -> list[bytes]:
    """Small ones, which come into a pack, and a large one; others each time."""
    large = b"large %d " % number + os.urandom(1 << 20)
    return [b"small %d" % number, b"x" * 100 + b"%d" % number, large]


class FaultConformance:
    # So many of the requests of one run meet a fault, spread over all. A long run takes each.
    SPREAD = 6

    @pytest.fixture
    def spool(self, tmp_path: Path) -> Path:
        return tmp_path / "spool"

    @pytest.fixture
    def every(self, request: pytest.FixtureRequest) -> bool:
        """Whether each request meets each fault."""
        return bool(request.config.getoption("--long"))

    def test_what_was_acknowledged_outlives_a_cut(
        self, faulty: FaultyServer, spool: Path, every: bool
    ) -> None:
        assert self._sweep(faulty, spool, CUTS, every=every) > len(CUTS) * 2

    def test_a_flipped_bit_is_never_accepted(
        self, faulty: FaultyServer, spool: Path, every: bool
    ) -> None:
        if not faulty.is_http:
            return
        # Not every request or answer has a body.
        enough = 1000 if every else self.SPREAD
        for fault in (FLIP_UP, FLIP_DOWN):
            assert self._sweep(faulty, spool, [fault], every=True, enough=enough) >= 3

    def test_a_stalled_connection_is_given_up(
        self, faulty: FaultyServer, spool: Path, every: bool
    ) -> None:
        assert faulty.impatient is not None
        faulty = replace(faulty, blobs=faulty.impatient)
        for fault in STALLS:
            self._run_once(faulty, spool, {1: fault, 4: fault})

    def test_a_server_that_is_busy_is_asked_again(self, faulty: FaultyServer, spool: Path) -> None:
        if not faulty.is_http:
            return
        busy = Fault(FaultKind.BUSY)
        for first in (0, 2, 5):
            assert self._run_once(faulty, spool, dict.fromkeys(range(first, first + 3), busy))
        # For ever, it ends with a message.
        faulty.proxy.reset_faults(dict.fromkeys(range(1000), busy))
        with pytest.raises(MlverError, match="503"):
            store_contents(faulty.retry(), spool, [b"never"])

    def test_a_server_that_is_gone_ends_in_a_message(
        self, faulty: FaultyServer, spool: Path
    ) -> None:
        faulty.proxy.close_proxy()
        with pytest.raises(MlverError) as caught:
            store_contents(faulty.retry(), spool, [b"never"])
        assert "Traceback" not in caught.value.message

    def test_wrong_bytes_on_the_server_are_never_given_out(
        self, faulty: FaultyServer, spool: Path
    ) -> None:
        contents = make_contents(0)
        digests = store_contents(faulty.retry(), spool, contents)
        for info in list(faulty.sound.list_blobs("")):
            damage_blob(faulty.sound, info)
        for digest in digests:
            with pytest.raises((ObjectDamaged, ObjectMissing)):
                read_contents(faulty.retry(), spool, [digest])
        # Stored again, they are whole again, if what is there is not believed.
        assert store_contents(faulty.retry(), spool, contents, VERIFY) == digests
        assert read_contents(faulty.retry(), spool, digests) == contents

    def test_a_blob_of_another_size_is_not_taken_for_a_content(
        self, faulty: FaultyServer, spool: Path
    ) -> None:
        contents = make_contents(1)
        digests = store_contents(faulty.retry(), spool, contents)
        for info in list(faulty.sound.list_blobs("")):
            data = faulty.sound.get_range(info.key, 0, info.size)
            other = data[:-1] if info.size % 2 else data + b"x"
            faulty.sound.replace_blob(info.key, BytesSource(other))
        for digest in digests:
            with pytest.raises((ObjectDamaged, ObjectMissing)):
                read_contents(faulty.retry(), spool, [digest])
        assert store_contents(faulty.retry(), spool, contents) == digests
        assert read_contents(faulty.retry(), spool, digests) == contents

    def _sweep(
        self,
        faulty: FaultyServer,
        spool: Path,
        faults: Iterable[Fault],
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

    def _run_once(self, faulty: FaultyServer, spool: Path, faults: dict[int, Fault]) -> int:
        """Store and read with these faults; how many took effect.

        An error is allowed. It must be one of ours, and must leave nothing acknowledged behind.
        """
        # What earlier runs stored would be read in each.
        for info in list(faulty.sound.list_blobs("")):
            faulty.sound.delete_blob(info.key)
        contents = make_contents(int.from_bytes(os.urandom(4)))
        faulty.proxy.reset_faults(faults)
        try:
            digests = store_contents(faulty.retry(), spool, contents)
        except MlverError:
            # Once the fault is over, the same succeeds.
            digests = store_contents(faulty.retry(), spool, contents)
        assert read_contents(faulty.sound, spool, digests) == contents
        try:
            assert read_contents(faulty.retry(), spool, digests) == contents
        except MlverError:
            assert read_contents(faulty.retry(), spool, digests) == contents
        return faulty.proxy.fired


def damage_blob(blobs: BlobStore, info: BlobInfo) -> None:
    """Flip the first bit of a blob, as a server does that stores wrong bytes."""
    data = bytearray(blobs.get_range(info.key, 0, info.size))
    data[len(data) // 2] ^= 1
    blobs.replace_blob(info.key, BytesSource(bytes(data)))
