"""Places where a file should be and something else is, and a Python without docstrings."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conftest import CHECKOUT, CommandOutcome, Repository
from tests.faults.hostile import check_outcome

_OPENED = (
    ".git/mlver/objects",
    ".git/mlver/packs/*.pack",
    ".git/mlver/packs/*.idx",
    ".git/mlver/intent.json",
    ".git/mlver/state.db",
    ".git/mlver/lock",
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
        # In a process of its own: what hangs would hang this one for good.
        done = subprocess.run(
            [sys.executable, "-m", "mlver", *argv],
            cwd=victim.path,
            env={**os.environ, "PYTHONPATH": os.fspath(CHECKOUT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        check_outcome(CommandOutcome(done.returncode, done.stdout, done.stderr))


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
