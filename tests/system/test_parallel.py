from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.system.parallel import (
    PIECE,
    hash_descriptor,
    split_batches,
    spread_batches,
)


def test_results_come_in_order_from_other_processes() -> None:
    results = list(spread_batches(lambda n: (n, os.getpid()), range(20), workers=2))
    assert [n for n, _ in results] == list(range(20))
    assert os.getpid() not in {pid for _, pid in results}


def test_one_batch_or_one_worker_runs_here() -> None:
    assert list(spread_batches(lambda _: os.getpid(), [1], workers=4)) == [os.getpid()]
    assert list(spread_batches(lambda _: os.getpid(), [1, 2], workers=1)) == [os.getpid()] * 2
    assert list(spread_batches(lambda _: 1, [])) == []


def test_batches_are_drawn_as_workers_get_to_them() -> None:
    drawn: list[int] = []

    def batches() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    results = spread_batches(lambda n: n, batches(), workers=2)
    next(results)
    assert len(drawn) < 10
    results.close()


def test_what_work_raises_is_raised_as_itself() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise MlverError("no", hint="do")
        return number

    with pytest.raises(MlverError) as caught:
        list(spread_batches(work, range(9), workers=2))
    assert (caught.value.message, caught.value.hint) == ("no", "do")


def test_a_killed_worker_is_an_error_of_ours() -> None:
    with pytest.raises(MlverError, match="worker process was killed"):
        list(spread_batches(lambda _: os._exit(9), range(4), workers=2))


def test_an_interrupt_while_workers_start_leaves_none_to_wait_for() -> None:
    script = (
        "import os, signal, threading, time\n"
        "from concurrent.futures import process\n"
        "from mlver.system.parallel import spread_batches\n"
        # a job in the background is started deaf to it
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Interrupted(process._ExecutorManagerThread):\n"
        "    def __init__(self, executor):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        super().__init__(executor)\n"
        "process._ExecutorManagerThread = Interrupted\n"
        # as a progress bar's
        "threading.Thread(target=time.sleep, args=[1000], daemon=True).start()\n"
        "list(spread_batches(str, range(4), workers=2))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, timeout=60
    )
    assert b"KeyboardInterrupt" in done.stderr


def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import os, time\nfrom mlver.system.parallel import spread_batches\n"
        "def work(n):\n    open(f'{n}.pid', 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
        "list(spread_batches(work, range(4), workers=2))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=environment) as parent:
        while len(pids := [file.read_text() for file in tmp_path.glob("*.pid")]) < 2 or not all(
            pids
        ):
            time.sleep(0.01)
        parent.kill()
    deadline = time.monotonic() + 5
    while any(_runs(pid) for pid in pids):
        assert time.monotonic() < deadline, "a worker outlived its parent"
        time.sleep(0.01)


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


_SIZES = [0, 1, PIECE - 1, PIECE, 9 * PIECE + 5]


@pytest.mark.parametrize("size", _SIZES)
def test_hashed_hands_over_exactly_what_it_hashes(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    out = bytearray()
    steps: list[int] = []
    for write in (None, out.extend):
        with (tmp_path / "a").open("rb") as file:
            result = hash_descriptor(file.fileno(), write, steps.append)
        assert result == (hashlib.sha256(data).hexdigest(), size)
    assert out == data
    assert sum(steps) == 2 * size


def test_batches_end_by_count_and_by_bytes() -> None:
    sizes = [1, 1, 1, 9, 1, 30, 2, 2]
    by_both = split_batches(sizes, 3, most_bytes=10, count_bytes=int)
    assert list(by_both) == [[1, 1, 1], [9, 1], [30], [2, 2]]
    assert list(split_batches(sizes, 4)) == [[1, 1, 1, 9], [1, 30, 2, 2]]
    assert not list(split_batches([], 3))


def test_no_more_is_drawn_than_a_batch_needs() -> None:
    remaining = iter(range(9))
    assert next(split_batches(remaining, 4)) == [0, 1, 2, 3]
    assert next(remaining) == 4
