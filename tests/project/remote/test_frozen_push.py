"""A push that is stopped by SIGSTOP for longer than the grace time, on a shared directory."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.git.repository import GitRepository
from mlver.project.remote.pins import PushTimes
from mlver.project.remote.remote_gc import RemoteGcOptions, collect_remote
from mlver.project.remote.roots import read_repository_roots
from mlver.storage.remote.catalogue import object_key
from mlver.storage.remote.directory import init_directory
from mlver.storage.remote.open import open_blobs
from tests.conftest import CHECKOUT, Repository

GRACE = 0.5
CONTENT = b"weights " * 1000
_PATIENCE = 30.0


def collect(bucket: Path, forge: Path) -> None:
    """Run gc once, with a grace time of half a second."""
    hosted = GitRepository.hosted(forge)
    options = RemoteGcOptions(timedelta(seconds=GRACE), "the gc", times=PushTimes())
    collect_remote(open_blobs(str(bucket)), lambda: set(read_repository_roots(hosted)), options)


@contextmanager
def pushing(repository: Repository, bucket: Path, place: str) -> Iterator[subprocess.Popen[bytes]]:
    """A push that waits at a place, stopped."""
    command = [sys.executable, "-m", "tests.project.remote.frozen_push", str(bucket), "w.bin"]
    with subprocess.Popen(
        [*command, place],
        cwd=repository.path,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin", "HOME": str(bucket)},
    ) as process:
        try:
            wait_for(repository.path / f"at-{place}", process)
            process.send_signal(signal.SIGSTOP)
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


def wait_for(mark: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not mark.exists():
        assert process.poll() is None, "the push ended"
        assert time.monotonic() < deadline, "the push never came there"
        time.sleep(0.01)


@pytest.mark.parametrize("place", ["sent", "looked", "named"])
def test_a_push_that_was_frozen_loses_nothing(
    repository: Repository, tmp_path: Path, place: str
) -> None:
    bucket = tmp_path / "bucket"
    init_directory(bucket)
    forge = tmp_path / "forge.git"
    repository.git("clone", "--quiet", "--bare", ".", str(forge))
    repository.git("remote", "add", "origin", str(forge))
    digest = Digest.of_bytes(CONTENT)
    repository.write(".mlver/models/m/note.txt", f"{digest}\n")
    repository.commit("A record")
    repository.write("w.bin", CONTENT)
    stored = bucket / object_key(digest.hex)
    with pushing(repository, bucket, place) as process:
        for _ in range(2):
            time.sleep(GRACE + 0.1)
            collect(bucket, forge)
        # What git names is never deleted; what it did not name yet was, for the pin was too old.
        assert stored.exists() is (place == "named")
        (repository.path / f"at-{place}").unlink()
        process.send_signal(signal.SIGCONT)
        assert process.wait(_PATIENCE) == 0
    for _ in range(2):
        assert stored.read_bytes() == CONTENT
        time.sleep(GRACE + 0.1)
        collect(bucket, forge)
    assert stored.read_bytes() == CONTENT
    assert not list((bucket / "pins").iterdir())
