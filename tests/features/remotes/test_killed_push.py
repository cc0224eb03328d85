"""A push that is killed half-way and repeated: what arrived is not sent again.

The bytes are counted on their way to the server.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import CHECKOUT, Repository
from tests.servers.proxy import FaultProxy
from tests.servers.seaweedfs import start_seaweedfs
from tests.servers.starting import RunningServer, Servers

_MIB = 1 << 20
_PATIENCE = 600.0
# Not between two parts, as the half would be.
_KILLED_AT = 0.503
# The same as the program, with parts of another size.
_MLVER = """
import sys
from mlver.cli.main import main
from mlver.storage import cutting, recipes
from mlver.storage.remote import survey, upload
for module in (recipes, cutting, survey, upload):
    module.PART_BYTES = int(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""


class Transfer(NamedTuple):
    """How many bytes a push has to send, in parts of how many, and how many at once."""

    size: int
    part: int
    jobs: int


TRANSFERS = [
    pytest.param(Transfer(48 * _MIB, _MIB, 2), id="48 MiB"),
    pytest.param(Transfer(2048 * _MIB, 16 * _MIB, 8), id="2 GiB", marks=pytest.mark.long),
]


@pytest.fixture
def proxy(servers: Servers) -> Iterator[FaultProxy]:
    with FaultProxy(find_server(servers).port) as proxy:
        yield proxy


def find_server(servers: Servers) -> RunningServer:
    return servers.share_server("seaweedfs", start_seaweedfs)


@pytest.fixture
def surroundings(servers: Servers) -> dict[str, str]:
    found = {**os.environ, **find_server(servers).environment}
    return {**found, "PYTHONPATH": str(CHECKOUT), "MLVER_TRUST_REMOTES": "all"}


def prepare_repository(
    repository: Repository, servers: Servers, port: int, folder: Path, size: int
) -> None:
    """A version with one large file of random bytes, a bare forge, and a bucket by this port."""
    server = find_server(servers)
    repository.git("init", "--quiet", "--bare", str(folder / "forge.git"))
    repository.git("remote", "add", "origin", str(folder / "forge.git"))
    repository.mlver("init")
    config = repository.path / ".mlver/config.yaml"
    lines = ["remotes:", "  store:", f"    url: {server.address}/{folder.name}"]
    lines += [f"    endpoint: http://127.0.0.1:{port}", "    region: us-east-1"]
    config.write_text("\n".join([config.read_text().rstrip(), *lines, ""]))
    repository.write(".gitignore", "/big.bin\n")
    repository.commit("Settings")
    with (repository.path / "big.bin").open("wb") as out:
        for _ in range(size // _MIB):
            out.write(os.urandom(_MIB))
    repository.mlver("register", "m", "--weights", "big.bin", "-m", "Large")


def begin_push(
    repository: Repository, surroundings: Mapping[str, str], transfer: Transfer
) -> subprocess.Popen[bytes]:
    words = [str(transfer.part), "push", "--jobs", str(transfer.jobs)]
    return subprocess.Popen(
        [sys.executable, "-c", _MLVER, *words],
        cwd=repository.path,
        env=dict(surroundings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("transfer", TRANSFERS)
def test_a_killed_push_sends_little_again(
    transfer: Transfer,
    repository: Repository,
    servers: Servers,
    surroundings: dict[str, str],
    proxy: FaultProxy,
    tmp_path: Path,
) -> None:
    size = transfer.size
    prepare_repository(repository, servers, proxy.port, tmp_path, size)
    with begin_push(repository, surroundings, transfer) as killed:
        deadline = time.monotonic() + _PATIENCE
        while proxy.sent < size * _KILLED_AT:
            assert killed.poll() is None, "the push ended before it was killed"
            assert time.monotonic() < deadline, "the push never came half-way"
            time.sleep(0.002)
        killed.kill()
    before = proxy.sent
    assert before < size * 0.9
    with begin_push(repository, surroundings, transfer) as push:
        _, said = push.communicate(timeout=_PATIENCE)
    assert push.returncode == 0, said
    sent_again = proxy.sent - size
    # For whoever wants the figures.
    sys.stderr.write(f"{before:,} bytes, then {proxy.sent - before:,}, of {size:,}\n")
    assert 0 <= sent_again <= size // 10
    # Nothing of what was sent is missing.
    again = tmp_path / "again"
    repository.git("clone", "--quiet", str(tmp_path / "forge.git"), str(again))
    words = [sys.executable, "-m", "mlver", "checkout", "m@latest", "--force"]
    subprocess.run(words, cwd=again, env=surroundings, check=True, capture_output=True)
    same = ["cmp", str(again / "big.bin"), str(repository.path / "big.bin")]
    subprocess.run(same, check=True)
