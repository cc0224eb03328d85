"""A command of the person's own: its group ends with it, its time is limited, its use is told."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from mlver.errors import MlverError
from mlver.system import running
from mlver.system.running import FinishedRun, RunCommand, run_command


def run_words(
    *words: str, folder: Path, timeout: float | None = None, **variables: str
) -> FinishedRun:
    environment = {"PATH": os.environ["PATH"], **variables}
    with Path(os.devnull).open("wb") as output:
        return run_command(
            RunCommand(
                words=words,
                folder=folder,
                environment=environment,
                output=output,
                timeout=timeout,
            )
        )


def run_shell(script: str, folder: Path, timeout: float | None = None) -> FinishedRun:
    return run_words("sh", "-c", script, folder=folder, timeout=timeout)


def wait_for(path: Path) -> None:
    for _ in range(500):
        if path.exists() and path.read_text().strip():
            return
        time.sleep(0.01)
    raise AssertionError(f"{path} never came")


def has_ended(process: int) -> bool:
    """Whether a process that is no child of ours is gone, or soon is."""
    for _ in range(500):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it reads /proc")


def test_no_shell_reads_the_words_and_the_environment_is_as_given(tmp_path: Path) -> None:
    script = "import os, sys; open('told', 'w').write(repr((sys.argv[1:], os.environ.get('ONE'))))"
    words = ("$HOME", "a b", "*", ";", "")
    done = run_words(sys.executable, "-c", script, *words, folder=tmp_path, ONE="1")
    assert (done.code, done.timed_out) == (0, False)
    assert (tmp_path / "told").read_text() == repr((list(words), "1"))


def test_how_it_ended_and_what_it_used(tmp_path: Path) -> None:
    assert run_shell("exit 7", tmp_path).code == 7
    assert run_shell("kill -15 $$", tmp_path).code == -signal.SIGTERM
    busy = "sum(range(3_000_000)); b = bytearray(120 << 20); b[::4096] = b'1' * len(b[::4096])"
    done = run_words(sys.executable, "-c", busy, folder=tmp_path)
    assert done.cpu_seconds > 0.01
    assert done.seconds >= 0.01
    assert 120 << 20 < done.max_rss_bytes < 1 << 36


@needs_proc
def test_what_is_left_running_ends_with_the_command(tmp_path: Path) -> None:
    script = "(trap '' TERM HUP INT; echo $$ >/dev/null; sleep 60) & echo $! > pid"
    assert run_shell(script, tmp_path).code == 0
    assert has_ended(int((tmp_path / "pid").read_text()))


@needs_proc
@pytest.mark.parametrize("trap", ["", "trap '' TERM;"])
def test_past_its_time_the_group_is_told_to_end_and_then_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    monkeypatch.setattr(running, "GRACE_SECONDS", 0.2)
    script = f"{trap} (sleep 60; true) & echo $! > pid; while :; do sleep 0.01; done"
    done = run_shell(script, tmp_path, timeout=0.3)
    assert done.timed_out
    assert done.code == (-signal.SIGKILL if trap else -signal.SIGTERM)
    assert 0.3 <= done.seconds < 10
    assert has_ended(int((tmp_path / "pid").read_text()))


def test_a_command_may_clean_up_when_its_time_is_over(tmp_path: Path) -> None:
    script = "trap 'echo cleaned > cleaned; exit 0' TERM; while :; do sleep 0.01; done"
    assert run_shell(script, tmp_path, timeout=0.3).timed_out
    assert (tmp_path / "cleaned").exists()


@needs_proc
def test_an_interrupt_reaches_the_group(tmp_path: Path) -> None:
    """It has no terminal of ours, so a Ctrl-C does not reach it by itself."""
    script = (
        "trap 'echo interrupted > told; exit 1' INT; sleep 60 & echo $! > pid; echo 1 > ready;"
        " while :; do sleep 0.01; done"
    )

    def interrupt_soon() -> None:
        wait_for(tmp_path / "ready")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt_soon)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_shell(script, tmp_path)
    thread.join()
    assert (tmp_path / "told").read_text() == "interrupted\n"
    assert has_ended(int((tmp_path / "pid").read_text()))


@needs_proc
def test_a_request_to_end_ends_the_group_as_well(tmp_path: Path) -> None:
    """A pipeline that is cancelled sends SIGTERM to mlver alone."""
    script = "sleep 60 & echo $! > pid; echo 1 > ready; wait"

    def end_soon() -> None:
        wait_for(tmp_path / "ready")
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=end_soon)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_shell(script, tmp_path)
    thread.join()
    assert has_ended(int((tmp_path / "pid").read_text()))
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(MlverError, match="no-such-program cannot be run: No such file"):
        run_words("no-such-program", folder=tmp_path)
    (tmp_path / "script").write_text("")
    with pytest.raises(MlverError, match="script cannot be run: Permission denied"):
        run_words("./script", folder=tmp_path)
