"""A prefix of a real bucket, hashed in one process, on a Dask cluster and as shards: one digest."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import obstore
import pytest

from mlver.storage.remote.cloud import open_bucket_reader
from mlver.storage.remote.open import parse_address
from tests.conftest import CHECKOUT
from tests.servers.install import NotInstallable, install_programs
from tests.servers.starting import RunningServer

ORDINARY, LONG = 2_000, 10_000
SIZE = 2_000


@pytest.fixture(scope="module")
def count(pytestconfig: pytest.Config) -> int:
    return LONG if pytestconfig.getoption("--long") else ORDINARY


@pytest.fixture
def surroundings(seaweedfs: RunningServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment in which a client finds the server."""
    variables = {
        **seaweedfs.environment,
        "AWS_ENDPOINT_URL": seaweedfs.options["endpoint"],
        "AWS_REGION": seaweedfs.options["region"],
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, "PYTHONPATH": os.fspath(CHECKOUT)}


def make_object(number: int) -> bytes:
    return (b"%d\n" % number * SIZE)[:SIZE]


@pytest.fixture
def prefix(surroundings: dict[str, str], seaweedfs: RunningServer, count: int) -> str:
    """A prefix with that many objects."""
    url = f"{seaweedfs.address}/{uuid.uuid4().hex}"
    store = open_bucket_reader(parse_address(url, {})).store

    def put_object(number: int) -> None:
        key = f"{number % 10}/part-{number}"
        obstore.put(store, key, make_object(number), use_multipart=False)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put_object, range(count)))
    return url


def expect_digest(count: int) -> str:
    """The manifest's digest, by a plain loop."""
    keys = {f"{number % 10}/part-{number}": number for number in range(count)}
    lines = [
        f"{hashlib.sha256(make_object(keys[key])).hexdigest()}  {key}\n" for key in sorted(keys)
    ]
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


def run_hash(
    folder: Path, environment: dict[str, str], *words: str, python: str | Path = sys.executable
) -> dict[str, Any]:
    done = subprocess.run(
        [python, "-m", "mlver", "hash", *words, "--json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@contextmanager
def running_cluster(environment: dict[str, str]) -> Iterator[tuple[str, Path]]:
    """A scheduler's address, and a Python that has what its workers have."""
    try:
        python = install_programs("pip", "cluster") / "python"
    except NotInstallable as error:
        pytest.skip(f"THERE IS NO DASK, AND IT COULD NOT BE INSTALLED: {error}")
    script = CHECKOUT / "tests/project/listings/cluster.py"
    with subprocess.Popen(
        [python, script],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip(), python
        finally:
            process.stdin.close()
            process.wait(30)


def test_one_process_a_cluster_and_shards_give_one_digest(
    prefix: str, surroundings: dict[str, str], tmp_path: Path, count: int
) -> None:
    run = partial(run_hash, tmp_path, surroundings)
    here = run(prefix, "-o", "here.json")
    assert (here["objects"], here["hashed"], here["size"]) == (count, count, count * SIZE)
    assert here["digest"] == expect_digest(count)
    shards = [run(prefix, "--shard", f"{number}/2", "-o", f"{number}.json") for number in (1, 2)]
    assert sum(shard["hashed"] for shard in shards) == count
    merged = run("--merge", "2.json", "1.json", "-o", "merged.json")
    with running_cluster(surroundings) as (scheduler, python):
        words = (prefix, "--scheduler", scheduler, "-o", "there.json")
        there = run_hash(tmp_path, surroundings, *words, python=python)
        assert there["hashed"] == count
    for name in ("merged.json", "there.json"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "here.json").read_bytes()
    assert merged["digest"] == there["digest"] == here["digest"]


def count_noted(folder: Path) -> int:
    notes = b"".join(path.read_bytes() for path in folder.rglob("*.lines"))
    return notes.count(b"/part-")


def test_a_run_that_is_killed_half_way_reads_the_rest(
    prefix: str, surroundings: dict[str, str], tmp_path: Path, count: int
) -> None:
    words = ["hash", prefix, "-o", "out.json"]
    with subprocess.Popen(
        [sys.executable, "-m", "mlver", *words], cwd=tmp_path, env=surroundings
    ) as process:
        while count_noted(tmp_path) < count / 2:
            assert process.poll() is None
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    noted = count_noted(tmp_path)
    assert count / 2 <= noted < count
    assert not (tmp_path / "out.json").exists()
    again = run_hash(tmp_path, surroundings, prefix, "-o", "out.json")
    assert (again["hashed"], again["reused"]) == (count - noted, noted)
    assert again["hashed"] < 0.6 * count
    assert again["digest"] == expect_digest(count)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.json"]
    assert run_hash(tmp_path, surroundings, prefix, "-o", "out.json")["hashed"] == 0
