from __future__ import annotations

import io
import os
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pytest

from mlver.storage.remote.blobs import (
    BlobError,
    BlobStore,
    BytesBlob,
    PutOutcome,
    TransientBlobError,
)
from mlver.storage.remote.directory import MARKER, DirectoryBlobs, init_directory
from mlver.storage.remote.open import parse_address
from mlver.storage.remote.retrying import RetryingBlobs
from mlver.storage.remote.ssh import SshBlobs
from mlver.storage.remote.ssh_sessions import parse_place
from mlver.system import durable
from mlver.system.timings import STANDARD, RetryPolicy, Timings
from tests.servers.proxy import Fault, FaultKind, FaultProxy
from tests.servers.sshd import start_sshd
from tests.servers.starting import RunningServer, Servers
from tests.storage.remote.blob_conformance import KEY, BlobConformance, list_keys, read_blob


def open_blobs_at(port: int | str, path: Path, timings: Timings = STANDARD) -> SshBlobs:
    return SshBlobs(parse_place(parse_address(f"ssh://127.0.0.1:{port}{path}", {})), timings)


@pytest.fixture(scope="module")
def sshd(servers: Servers) -> Iterator[RunningServer]:
    server = servers.share_server("sshd", start_sshd)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLVER_SSH", server.environment["MLVER_SSH"])
        yield server


@pytest.fixture(scope="module", params=["mlver store", "sftp"])
def shared(
    sshd: RunningServer, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[SshBlobs, Path]]:
    """Blobs whose session many tests use, for to begin one takes a second; and their folder."""
    folder = tmp_path_factory.mktemp("ssh") / "shared"
    is_bare = request.param == "sftp"
    blobs = open_blobs_at(sshd.environment["BARE_PORT"] if is_bare else sshd.port, folder)
    assert blobs.transport == request.param
    yield blobs, folder
    blobs.close()


class TestSsh(BlobConformance):
    """With mlver at the far end, and without."""

    @pytest.fixture
    def blobs(self, shared: tuple[SshBlobs, Path]) -> BlobStore:
        blobs, folder = shared
        shutil.rmtree(folder, ignore_errors=True)
        init_directory(folder)
        return blobs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init_directory(tmp_path / "shared")
    return tmp_path / "shared"


@pytest.fixture
def blobs(sshd: RunningServer, folder: Path) -> Iterator[SshBlobs]:
    """With a session of their own to mlver."""
    blobs = open_blobs_at(sshd.port, folder)
    yield blobs
    blobs.close()


class KillingSource:
    """A source during whose reading the far end is killed; later readings are undisturbed."""

    size = 8 << 20

    def __init__(self, folder: Path) -> None:
        self.data = os.urandom(self.size)
        self.folder = folder
        self.killed: list[int] = []

    def open_stream(self) -> BinaryIO:
        return _KillingStream(self)


class _KillingStream(io.BytesIO):
    def __init__(self, source: KillingSource) -> None:
        super().__init__(source.data)
        self.source = source

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() == 4 << 20 and not self.source.killed:
            self.source.killed += kill_far_end(self.source.folder)
        return super().read(size)


def kill_far_end(folder: Path) -> list[int]:
    """Kill what serves this folder, once it has begun to store a blob; return its processes."""
    deadline = time.monotonic() + 20
    while not any(durable.is_temporary(name) for name in os.listdir(folder)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    words = f"store\0--\0{folder}\0".encode()
    killed = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (place / "cmdline").read_bytes().endswith(words):
                os.kill(int(place.name), signal.SIGKILL)
                killed.append(int(place.name))
    return killed


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_a_far_end_that_is_killed_within_a_blob_leaves_nothing_half(
    blobs: SshBlobs, folder: Path
) -> None:
    source = KillingSource(folder)
    with pytest.raises(TransientBlobError, match="the connection to ssh://"):
        blobs.put_blob(KEY, source)
    assert source.killed
    assert list_keys(blobs) == []
    assert blobs.put_blob(KEY, source) is PutOutcome.CREATED
    assert read_blob(blobs, KEY) == source.data


def test_content_is_confirmed_by_mlver_and_not_by_sftp(
    shared: tuple[SshBlobs, Path], folder: Path
) -> None:
    blobs, place = shared
    shutil.rmtree(place, ignore_errors=True)
    init_directory(place)
    assert blobs.confirms_content() is (blobs.transport == "mlver store")
    assert list_keys(blobs) == []


def test_a_directory_is_made_a_store_from_here(
    shared: tuple[SshBlobs, Path], sshd: RunningServer, tmp_path: Path
) -> None:
    is_bare = shared[0].transport == "sftp"
    port = sshd.environment["BARE_PORT"] if is_bare else sshd.port
    blobs = open_blobs_at(port, tmp_path / "a b" / "it's")
    with pytest.raises(BlobError):
        blobs.put_blob(KEY, BytesBlob(b"x"))
    (tmp_path / "a b" / "it's").mkdir(parents=True)
    for call in (lambda: list_keys(blobs), lambda: blobs.stat_blob(KEY)):
        with pytest.raises(BlobError, match=f"has no file {MARKER}"):
            call()
    for _ in range(2):
        blobs.init_store()
    assert blobs.put_blob(KEY, BytesBlob(b"x")) is PutOutcome.CREATED
    assert (tmp_path / "a b" / "it's" / KEY).read_bytes() == b"x"
    blobs.close()


def test_a_forced_command_decides_which_directory_and_what_may_be_done(
    sshd: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forced = DirectoryBlobs(Path(sshd.environment["FORCED_FOLDER"]))
    forced.put_blob("forced", BytesBlob(b"x"))
    monkeypatch.setenv("MLVER_SSH", sshd.environment["FORCED_SSH"])
    blobs = open_blobs_at(sshd.port, tmp_path / "elsewhere")
    assert list_keys(blobs) == ["forced"]
    for call in (
        lambda: blobs.put_blob(KEY, BytesBlob(bytes(4 << 20))),
        lambda: blobs.delete_blob("forced"),
        blobs.confirms_content,
    ):
        with pytest.raises(BlobError, match="is served read-only"):
            call()
    assert read_blob(blobs, "forced") == b"x"
    assert list(forced.list_blobs(KEY.rpartition("/")[0] + "/")) == []
    blobs.close()


def test_a_host_that_allows_sftp_only_is_noticed(
    sshd: RunningServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = open_blobs_at(sshd.environment["SFTP_PORT"], folder)
    assert blobs.transport == "sftp"
    blobs.put_blob(KEY, BytesBlob(b"x"))
    blobs.close()
    program = Path("/usr/lib/openssh/sftp-server")
    if program.exists():
        # Whatever is asked for, this starts.
        source = f"import os; os.execv('{program}', ['sftp-server'])"
        monkeypatch.setenv("MLVER_SSH", shlex.join([sys.executable, "-c", source]))
        blobs = open_blobs_at(22, folder)
        assert blobs.transport == "sftp"
        assert read_blob(blobs, KEY) == b"x"
        blobs.close()


def test_leftovers_are_swept_at_the_far_end(shared: tuple[SshBlobs, Path]) -> None:
    blobs, place = shared
    shutil.rmtree(place, ignore_errors=True)
    init_directory(place)
    for name, age in (("old", 90_000), ("new", 80_000)):
        path = place / f"{durable.TEMPORARY}{name}"
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    blobs.sweep_leftovers()
    assert sorted(os.listdir(place)) == [MARKER, f"{durable.TEMPORARY}new"]


def test_many_threads_share_a_session(blobs: SshBlobs) -> None:
    contents = {f"k/{number}": os.urandom(number * 70_000) for number in range(12)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda item: blobs.put_blob(item[0], BytesBlob(item[1])), contents.items()))
        assert list(pool.map(lambda key: read_blob(blobs, key), contents)) == list(
            contents.values()
        )


_STORE, _SFTP = "mlver store", "sftp"
# Within what both ends say before anything is stored, within a blob on its way in or out, and then.
_ORDINARY_FAULTS = [
    (_STORE, Fault(FaultKind.FLIP_UP, 700_000)),
    (_STORE, Fault(FaultKind.FLIP_DOWN, 700_000)),
    (_SFTP, Fault(FaultKind.CUT_UP, 700_000)),
    (_SFTP, Fault(FaultKind.FLIP_DOWN, 700_000)),
    (_SFTP, Fault(FaultKind.STALL_DOWN, 700_000)),
]
_CUTS = [
    (transport, Fault(kind, after))
    for transport in (_STORE, _SFTP)
    for kind in (FaultKind.CUT_UP, FaultKind.CUT_DOWN, FaultKind.STALL_DOWN)
    for after in (1_000, 4_000, 6_000, 8_000, 100_000, 700_000, 1_400_000)
]


@pytest.mark.parametrize(("transport", "fault"), _ORDINARY_FAULTS)
def test_a_connection_that_breaks_loses_and_changes_nothing(
    sshd: RunningServer, folder: Path, transport: str, fault: Fault
) -> None:
    data = os.urandom(1_500_000)
    is_bare = transport == "sftp"
    target = int(sshd.environment["BARE_PORT"]) if is_bare else sshd.port
    # Where only SFTP is, the first connection finds that out.
    with FaultProxy(target, {int(is_bare): fault}, by_connection=True) as proxy:
        blobs = open_blobs_at(proxy.port, folder, Timings(connect=5, silence=1.5))
        retrying = RetryingBlobs(blobs, RetryPolicy(first_wait=0))
        retrying.put_blob(KEY, BytesBlob(data))
        assert (folder / KEY).read_bytes() == data
        assert read_blob(retrying, KEY) == data
        assert proxy.fired == 1
        assert list_keys(retrying) == [KEY]
        assert blobs.transport == transport
        blobs.close()


@pytest.mark.long
@pytest.mark.parametrize(("transport", "fault"), _CUTS)
def test_so_do_many_others(sshd: RunningServer, folder: Path, transport: str, fault: Fault) -> None:
    test_a_connection_that_breaks_loses_and_changes_nothing(sshd, folder, transport, fault)
