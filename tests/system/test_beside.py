from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mlver.system.beside import _ForkedWorker, run_beside


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlver.system.beside.count_cores", lambda: 2)


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
        monkeypatch.setattr("mlver.system.beside.count_cores", lambda: 1)
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
