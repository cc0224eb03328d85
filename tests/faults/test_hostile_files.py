"""Places where a file should be and something else is, and a Python without docstrings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import CHECKOUT, Repository
from tests.faults.hostile import check_outcome

_PATIENCE_S = 20.0

_OPENED = (
    ".git/mlver/objects",
    ".git/mlver/packs/*.pack",
    ".git/mlver/packs/*.idx",
    ".git/mlver/intent.json",
    ".git/mlver/state.db",
    ".git/mlver/lock",
    ".gitattributes",
    ".gitignore",
    ".mlverignore",
    ".git/info/attributes",
    ".git/info/exclude",
    ".mlver/.gitattributes",
    ".mlver/config.yaml",
    ".mlver/schemas/version.schema.json",
    ".mlver/models/m/model.yaml",
    ".mlver/models/m/versions/1.0.0.yaml",
    ".mlver/models/m/versions/1.1.0.yaml",
    ".mlver/models/m/stages/production/0001.yaml",
    ".mlver/manifests/*.sha256",
    "params.yaml",
    "metrics.json",
    "requirements.txt",
    "uv.lock",
    "model.bin",
    "data/a.txt",
)
_FIFO_COMMANDS = (
    ("list",),
    ("show", "m"),
    ("log",),
    ("audit",),
    ("status",),
    ("verify", "--all"),
    ("checkout", "m@1.0.0", "--to", "served"),
    ("promote", "m@1.1.0", "--to", "staging", "-m", "Why"),
    ("register", "m", "--bump", "minor", "-m", "Why", "--allow-dirty"),
    ("doctor", "--fix"),
)


@pytest.mark.parametrize("place", _OPENED)
def test_a_fifo_in_the_place_of_a_file_makes_nothing_wait(victim: Repository, place: str) -> None:
    victim.write("params.yaml", "lr: 1\n")
    victim.write("metrics.json", "{}\n")
    named = ("--params", "params.yaml", "--metrics", "metrics.json")
    victim.write("model.bin", b"large " * 400_000)
    check_outcome(victim.mlver("register", "m", "--version", "1.2.0", "-m", "Third", *named), 0)
    places = list(victim.path.glob(place)) or [victim.path / place]
    if place.endswith("objects"):
        places = [path for path in places[0].rglob("*") if path.is_file()]
        assert places
    for path in places:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    for argv in _FIFO_COMMANDS:
        with failing_what_waits():
            outcome = victim.mlver(*argv)
        check_outcome(outcome)


@contextmanager
def failing_what_waits() -> Iterator[None]:
    """Fail the test where the block takes too long, whatever call it waits in."""

    def fail_test(number: int, frame: object) -> None:
        pytest.fail(f"it still waits after {_PATIENCE_S:.0f} s")

    before = signal.signal(signal.SIGALRM, fail_test)
    # again and again, in case that what handles the failure waits as well
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE_S, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_what_waits_is_noticed(victim: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "_PATIENCE_S", 0.1)
    os.mkfifo(victim.path / "fifo")
    with pytest.raises(pytest.fail.Exception, match="it still waits"), failing_what_waits():
        (victim.path / "fifo").read_bytes()


@pytest.mark.parametrize("level", ["1", "2"])
def test_python_without_docstrings_and_assertions_works(victim: Repository, level: str) -> None:
    for argv in (["--help"], ["list"], ["register", "--help"], ["verify", "--all"]):
        done = subprocess.run(
            [sys.executable, "-m", "mlver", *argv],
            cwd=victim.path,
            env={**os.environ, "PYTHONPATH": os.fspath(CHECKOUT), "PYTHONOPTIMIZE": level},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if "--help" in argv:
            assert "Register" in done.stdout
