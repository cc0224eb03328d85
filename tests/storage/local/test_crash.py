"""Killed or interrupted at any moment: old contents stay, new ones are whole or absent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlver.digest import Digest
from mlver.hashing import measure_artifact
from mlver.storage.local import LocalStore
from mlver.system import durable
from tests.storage.conformance import get_content, put_contents

CHECKOUT = Path(__file__).parents[3]
DEPOSIT = """
import sys
from pathlib import Path
from mlver.hashing import measure_artifact
from mlver.storage.local import LocalStore
print("begun", flush=True)
with LocalStore.open_in(Path("store")).open_deposit() as intake:
    measure_artifact(Path("data"), key="data", sink=intake)
print("acknowledged", flush=True)
"""
EXPORT = """
from pathlib import Path
from mlver.digest import Digest
from mlver.storage.local import LocalStore
wanted = [(Digest(digest), Path("out", name)) for name, digest in map(str.split, open("wanted"))]
print("begun", flush=True)
LocalStore.open_in(Path("store")).export_objects(wanted)
print("acknowledged", flush=True)
"""
DELAYS_MS = (
    *(0, 20, 50, 90, 200),
    *(
        pytest.param(delay, marks=pytest.mark.long)
        for delay in (5, 10, 15, 30, 40, 60, 75, 110, 130, 150, 170, 300, 500)
    ),
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for number in range(1100):
        path = tmp_path / f"data/d{number % 5}/{number}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"new %d" % number * 50)
    (tmp_path / "data/large").write_bytes(os.urandom(3 << 20))
    return tmp_path


def interrupted(place: Path, script: str, how: signal.Signals, delay_ms: int) -> str:
    """Run a script, send the signal so long after it began, and return what it said."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=place, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        said = process.stdout.readline()
        time.sleep(delay_ms / 1000)
        # Ctrl-C reaches the whole foreground group; the out-of-memory killer takes one process.
        (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)
        said += process.stdout.read()
    if how == signal.SIGKILL:
        # Whatever else ends it, such as a name that is gone, would make the test pass untried.
        assert process.returncode in (0, -how)
    return said


def temporaries(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if durable.is_temporary(path.name)]


@pytest.mark.parametrize("delay_ms", DELAYS_MS)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_a_deposit(place: Path, how: signal.Signals, delay_ms: int) -> None:
    store = LocalStore.open_in(place / "store")
    (old,) = put_contents(store, b"old")
    said = interrupted(place, DEPOSIT, how, delay_ms)
    contents = [path.read_bytes() for path in (place / "data").rglob("*") if path.is_file()]
    missing = store.find_missing(map(Digest.of_bytes, contents))
    if "acknowledged" in said:
        assert missing == set()
    if how == signal.SIGINT:
        assert temporaries(place) == []
    time.sleep(0.05)  # workers die with their parent, but not in the same instant
    store.sweep_temporaries()
    assert temporaries(place) == []
    assert [problem for problem in store.verify_objects() if problem.digest] == []
    assert get_content(store, old) == b"old"
    with store.open_deposit() as intake:
        measure_artifact(place / "data", key="data", sink=intake)
    assert store.find_missing(map(Digest.of_bytes, contents)) == set()
    assert list(store.verify_objects()) == []


@pytest.mark.parametrize("delay_ms", DELAYS_MS)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_an_export(place: Path, how: signal.Signals, delay_ms: int) -> None:
    store = LocalStore.open_in(place / "store")
    with store.open_deposit() as intake:
        found = measure_artifact(place / "data", key="data", sink=intake)
    assert found.manifest is not None
    lines = [line.split("  ") for line in found.manifest.decode().splitlines()]
    (place / "wanted").write_text("".join(f"{name} {digest}\n" for digest, name in lines))
    for _, name in lines:
        (place / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "out" / name).write_bytes(b"old")
    said = interrupted(place, EXPORT, how, delay_ms)
    time.sleep(0.05)
    if how == signal.SIGINT:
        assert temporaries(place) == []
    states = [(place / "out" / name).read_bytes() for _, name in lines]
    fresh = [
        Digest.of_bytes(state).hex == digest
        for state, (digest, _) in zip(states, lines, strict=True)
    ]
    assert all(new or state == b"old" for new, state in zip(fresh, states, strict=True))
    if "acknowledged" in said:
        assert all(fresh)
    for directory in {path.parent for path in temporaries(place)}:
        durable.sweep_temporaries(directory)
    store.export_objects([(Digest(digest), place / "out" / name) for digest, name in lines])
    assert measure_artifact(place / "out", key="out").digest == found.digest
