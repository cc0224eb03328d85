from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.system.parallel import PIECE, _ForkedWorker, hash_descriptor, run_beside, spread_batches


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
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a job in the background is started deaf to it
        "class Interrupted(process._ExecutorManagerThread):\n"
        "    def __init__(self, executor):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        super().__init__(executor)\n"
        "process._ExecutorManagerThread = Interrupted\n"
        "threading.Thread(target=time.sleep, args=[1000], daemon=True).start()\n"  # as a progress bar's
        "list(spread_batches(str, range(4), workers=2))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False, timeout=60
    )
    assert b"KeyboardInterrupt" in done.stderr


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlver.system.parallel.count_cores", lambda: 2)


@pytest.mark.usefixtures("two_cores")
def test_what_is_done_beside_is_another_process_whose_result_comes_back_whole() -> None:
    with run_beside(lambda: b"%d" % os.getpid() * 100_000) as answer:
        told = answer()
    assert told is not None
    assert len(told) % 100_000 == 0
    assert told[: len(told) // 100_000] != b"%d" % os.getpid()
    with run_beside(lambda: b"") as answer:
        assert answer() == b""


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize(
    "work", [lambda: None, lambda: 1 // 0, lambda: os._exit(0)], ids=["none", "error", "ended"]
)
def test_what_came_to_nothing_beside_is_told_as_none(work: Callable[[], bytes | None]) -> None:
    with run_beside(work) as answer:
        assert answer() is None


@pytest.mark.parametrize("sent", [b"", b"\0" * 7, (5).to_bytes(8, "big") + b"half"])
def test_an_answer_that_is_cut_short_is_none(sent: bytes) -> None:
    source, target = os.pipe()
    os.write(target, sent)
    os.close(target)
    other = _ForkedWorker()
    other._source = source
    assert other.read_answer() is None
    other.end_process()


@pytest.mark.usefixtures("two_cores")
def test_nothing_goes_on_beside_once_the_block_is_left(tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)

    began = time.monotonic()
    with run_beside(work):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            time.sleep(0.01)
    assert time.monotonic() - began < 30
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.usefixtures("two_cores")
@pytest.mark.parametrize("missing", ["cores", "processes"])
def test_without_a_second_process_it_is_done_here(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    if missing == "cores":
        monkeypatch.setattr("mlver.system.parallel.count_cores", lambda: 1)
    else:
        monkeypatch.setattr(os, "fork", refused)
    with run_beside(lambda: b"%d" % os.getpid()) as answer:
        assert answer() == b"%d" % os.getpid()


@pytest.mark.usefixtures("two_cores")
def test_who_waits_for_all_children_may_have_waited_for_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with run_beside(lambda: b"done") as answer:
            assert answer() == b"done"
    finally:
        signal.signal(signal.SIGCHLD, before)


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


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, 9 * PIECE + 5])
def test_hashed_hands_over_exactly_what_it_hashes(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "a").write_bytes(data)
    out = bytearray()
    steps: list[int] = []
    for write in (None, out.extend):
        with (tmp_path / "a").open("rb") as file:
            assert hash_descriptor(file.fileno(), write, steps.append) == (
                hashlib.sha256(data).hexdigest(),
                size,
            )
    assert out == data
    assert sum(steps) == 2 * size


def test_hashed_ends_its_thread_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(3 * PIECE))

    def fail(_: memoryview) -> None:
        raise OSError(28, "full")

    with (tmp_path / "a").open("rb") as file, pytest.raises(OSError, match="full"):
        hash_descriptor(file.fileno(), fail, lambda _: None)
