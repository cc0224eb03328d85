"""Transfers as processes: how much memory they take, and what a kill or a Ctrl-C leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlver.storage.local import LocalStore
from mlver.storage.recipes import PART_BYTES
from mlver.storage.remote.directory import init_directory
from tests.benchmarks.transfer import read_wanted
from tests.conftest import CHECKOUT

MIB = 1 << 20
PROGRAM = [sys.executable, "-m", "tests.benchmarks.transfer"]
# A small process stands between, since a child counts the memory of a large parent as its own.
MEASURE = """
import resource, subprocess, sys
assert subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode == 0
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


class Ground:
    """A store with one large content, and a directory as a remote."""

    def __init__(self, top: Path, size: int) -> None:
        self.size = size
        self.mine, self.remote, self.other = top / "mine", top / "remote", top / "other"
        init_directory(self.remote)
        content = top / "content"
        with content.open("wb") as file:
            # No two parts are the same.
            for number in range(size // MIB):
                file.seek(number * MIB)
                file.write(b"%d" % number)
            file.truncate(size)
        subprocess.run([*PROGRAM, "prepare", self.mine, content], check=True, cwd=CHECKOUT)
        content.unlink()

    def command(self, direction: str) -> list[str]:
        words = [*PROGRAM, direction, self.mine, self.remote, ""]
        if direction == "down":
            words.append(self.other)
        return [str(word) for word in words]

    def run(self, direction: str) -> int:
        """How many bytes went over."""
        done = subprocess.run(
            self.command(direction), check=True, cwd=CHECKOUT, capture_output=True, text=True
        )
        return int(done.stdout)

    def kill_when(self, direction: str, is_time: Callable[[], bool]) -> None:
        process = subprocess.Popen(self.command(direction), cwd=CHECKOUT)
        while not is_time() and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        assert process.wait() == -signal.SIGKILL

    def count_parts(self) -> int:
        """The bytes of parts that the remote has whole."""
        return sum(path.stat().st_size for path in self.remote.glob("parts/*/*"))

    def count_partial(self) -> int:
        """The bytes on the disk of what comes in."""
        return sum(path.stat().st_blocks * 512 for path in self.other.glob("mlver/parts/*"))

    def check_other(self) -> None:
        store = LocalStore.open_in(self.other / "mlver")
        assert store.find_missing(read_wanted(self.mine)) == set()
        assert list(store.verify_objects()) == []
        assert self.count_partial() == 0


def test_a_killed_upload_sends_nothing_again_that_arrived(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 12 * PART_BYTES)
    ground.kill_when("up", lambda: ground.count_parts() >= 4 * PART_BYTES)
    arrived = ground.count_parts()
    assert 4 * PART_BYTES <= arrived < ground.size
    sent = ground.run("up")
    assert ground.size - arrived <= sent < ground.size - arrived + 10_000
    ground.run("down")
    ground.check_other()


def test_a_killed_download_asks_for_nothing_again_that_came(tmp_path: Path) -> None:
    ground = Ground(tmp_path, 24 * PART_BYTES)
    ground.run("up")
    ground.kill_when("down", lambda: ground.count_partial() >= 14 * PART_BYTES)
    came = ground.count_partial()
    assert came >= 14 * PART_BYTES
    received = ground.run("down")
    # Of each part under way the beginning is lost, and each of eight jobs has one.
    assert received <= ground.size - came + 8 * PART_BYTES
    ground.check_other()


@pytest.mark.parametrize("direction", ["up", "down"])
def test_memory_is_bounded_however_large_a_content_is(tmp_path: Path, direction: str) -> None:
    ground = Ground(tmp_path, 512 * MIB)
    if direction == "down":
        ground.run("up")
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *ground.command(direction)],
        check=True,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert int(done.stdout) * 1024 <= 200 * MIB


HANGING = """
import os, sys, time
from pathlib import Path
from tests.storage.remote.memory import MemoryBlobs
from tests.storage.remote.transfers import Team
class Hanging(MemoryBlobs):
    def put_blob(self, key, source):
        print("hangs", flush=True)
        time.sleep(60)
team = Team(Hanging(), Path(sys.argv[1]))
try:
    team.push(team.store(b"content"))
except KeyboardInterrupt:
    os._exit(130)
"""


def test_ctrl_c_does_not_wait_for_a_call_that_hangs(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HANGING, tmp_path],
        cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"hangs\n"
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130
    assert time.monotonic() - began < 2
