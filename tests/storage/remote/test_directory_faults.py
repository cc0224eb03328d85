"""A directory on a file system that fails: full, stale, with wrong bytes, gone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.storage.remote.directory import DirectoryBlobs, init_directory
from tests.servers.failing_disk import (
    DiskFault,
    DiskFaultKind,
    mount_failing,
    why_no_disk,
)
from tests.storage.remote.blob_conformance import list_keys
from tests.storage.remote.fault_conformance import FaultConformance, FaultyServer, FaultyStorage
from tests.storage.remote.transfers import read_contents, store_contents

_FLIPPED = DiskFault(DiskFaultKind.FLIPPED, 3)


class TestDirectoryUnderFaults(FaultConformance):
    # Nothing can be said about a disk that answers nothing: the system itself waits for it.
    STALLS = ()
    CUTS = (
        DiskFault(DiskFaultKind.REFUSED),
        DiskFault(DiskFaultKind.LOST_ANSWER),
        DiskFault(DiskFaultKind.FULL),
        DiskFault(DiskFaultKind.STALE),
    )
    FLIPS = (_FLIPPED, DiskFault(DiskFaultKind.SHORT), DiskFault(DiskFaultKind.FORGOTTEN))
    BUSY = DiskFault(DiskFaultKind.STALE)
    BUSY_WORDS = "Stale file handle"
    SPREAD = 8

    @pytest.fixture
    def faulty(self, tmp_path: Path) -> Iterator[FaultyServer]:
        if why := why_no_disk():
            pytest.skip(f"NOT TESTED: a file system that fails: {why}")
        folder, mount_point = tmp_path / "folder", tmp_path / "mount"
        mount_point.mkdir()
        init_directory(folder)
        with mount_failing(folder, mount_point) as disk:
            blobs = DirectoryBlobs(mount_point)
            yield FaultyServer(disk, blobs, DirectoryBlobs(folder), impatient=blobs)

    def test_a_flipped_bit_is_never_accepted(
        self, faulty: FaultyStorage, spool: Path, every: bool
    ) -> None:
        """Such a fault happens to the next operation that reads or writes."""
        for fault in self.FLIPS:
            assert self._sweep(faulty, spool, [fault], every=every) >= 4

    def test_a_file_that_is_gone_is_missing(self, faulty: FaultyStorage, spool: Path) -> None:
        contents = [b"small", b"x" * (1 << 20)]
        digests = faulty.store(spool, contents)
        faulty.clear_all()
        with pytest.raises(MlverError):
            faulty.read(spool, digests)
        assert faulty.store(spool, contents) == digests
        assert faulty.read(spool, digests) == contents


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[DirectoryBlobs]:
    """A store on a real disk of 4 MiB."""
    mount_point = tmp_path / "small"
    mount_point.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(mount_point)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED: a full disk: nothing can be mounted here")
    try:
        init_directory(mount_point / "store")
        yield DirectoryBlobs(mount_point / "store")
    finally:
        subprocess.run(["umount", "--lazy", mount_point], capture_output=True, check=False)


def test_a_full_disk_ends_in_a_message_and_keeps_what_is_whole(
    small_disk: DirectoryBlobs, tmp_path: Path
) -> None:
    contents = [b"%d" % number + bytes(1 << 20) for number in range(2)]
    digests = store_contents(small_disk, tmp_path / "spool", contents)
    whole = list_keys(small_disk)
    with pytest.raises(MlverError, match="No space left on device") as caught:
        store_contents(small_disk, tmp_path / "other", [b"more" + bytes(3 << 20)])
    assert str(small_disk.root) in caught.value.message
    assert list_keys(small_disk) == whole
    assert [path.name for path in small_disk.root.iterdir() if "tmp" in path.name] == []
    assert read_contents(small_disk, tmp_path / "spool", digests) == contents
