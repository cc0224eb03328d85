from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.parallel import PIECE, beside, hashed, spread


def test_results_come_in_order_from_other_processes() -> None:
    results = list(spread(lambda n: (n, os.getpid()), range(20), workers=2))
    assert [n for n, _ in results] == list(range(20))
    assert os.getpid() not in {pid for _, pid in results}


def test_one_batch_or_one_worker_runs_here() -> None:
    assert list(spread(lambda _: os.getpid(), [1], workers=4)) == [os.getpid()]
    assert list(spread(lambda _: os.getpid(), [1, 2], workers=1)) == [os.getpid()] * 2
    assert list(spread(lambda _: 1, [])) == []


def test_batches_are_drawn_as_workers_get_to_them() -> None:
    drawn: list[int] = []

    def batches() -> Iterator[int]:
        for number in range(100):
            drawn.append(number)
            yield number

    results = spread(lambda n: n, batches(), workers=2)
    next(results)
    assert len(drawn) < 10
    results.close()


def test_what_work_raises_is_raised_as_itself() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise MlverError("no", hint="do")
        return number

    with pytest.raises(MlverError) as caught:
        list(spread(work, range(9), workers=2))
    assert (caught.value.message, caught.value.hint) == ("no", "do")


def test_a_killed_worker_is_an_error_of_ours() -> None:
    with pytest.raises(MlverError, match="worker process was killed"):
        list(spread(lambda _: os._exit(9), range(4), workers=2))


def test_an_interrupt_while_workers_start_leaves_none_to_wait_for() -> None:
    script = (
        "import os, signal\n"
        "from concurrent.futures import process\n"
        "from mlver.parallel import spread\n"
        "class Interrupted(process._ExecutorManagerThread):\n"
        "    def __init__(self, executor):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        super().__init__(executor)\n"
        "process._ExecutorManagerThread = Interrupted\n"
        "list(spread(str, range(4), workers=2))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=60)
    assert b"KeyboardInterrupt" in done.stderr


def test_what_is_done_beside_is_another_process_whose_result_comes_back_whole() -> None:
    with beside(lambda: b"%d" % os.getpid() * 100_000) as answer:
        told = answer()
    assert told is not None
    assert len(told) % 100_000 == 0
    assert told[: len(told) // 100_000] != b"%d" % os.getpid()


@pytest.mark.parametrize("work", [lambda: None, lambda: 1 // 0, lambda: os._exit(9)], ids=["none", "error", "killed"])
def test_what_came_to_nothing_beside_is_told_as_none(work: Callable[[], bytes | None]) -> None:
    with beside(work) as answer:
        assert answer() is None


def test_nothing_goes_on_beside_once_the_block_is_left() -> None:
    began = time.monotonic()
    with pytest.raises(KeyError), beside(lambda: time.sleep(60)):
        raise KeyError
    assert time.monotonic() - began < 30
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "import os, time\nfrom mlver.parallel import spread\n"
        "def work(n):\n    open(f'{n}.pid', 'w').write(str(os.getpid()))\n    time.sleep(60)\n"
        "list(spread(work, range(4), workers=2))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path, env=environment) as parent:
        while len(pids := [file.read_text() for file in tmp_path.glob("*.pid")]) < 2 or not all(pids):
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


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, 9 * PIECE + 5])
def test_hashed_hands_over_exactly_what_it_hashes(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    out = bytearray()
    steps: list[int] = []
    for write in (None, out.extend):
        with (tmp_path / "a").open("rb") as file:
            assert hashed(file.fileno(), write, steps.append) == (hashlib.sha256(data).hexdigest(), size)
    assert out == data
    assert sum(steps) == 2 * size


def test_hashed_ends_its_thread_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(3 * PIECE))

    def fail(_: memoryview) -> None:
        raise OSError(28, "full")

    with (tmp_path / "a").open("rb") as file, pytest.raises(OSError, match="full"):
        hashed(file.fileno(), fail, lambda _: None)
