"""An `ssh://` remote beside rsync, over the same sshd on this machine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from mlver.storage.remote.directory import init_directory
from tests.benchmarks import material
from tests.benchmarks.harness import CHECKOUT, Bench, Command, Row
from tests.benchmarks.workload import MIB, workload
from tests.servers.install import install_programs
from tests.servers.sshd import start_sshd
from tests.servers.starting import RunningServer

_JOBS = 4
_BLOB = 16 * MIB
# What push and pull do with the parts of a large object: blobs of 16 MiB, by so many threads.
_TRANSFER = f"""
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from mlver.storage.remote.blobs import FileSource, stream_range
from mlver.storage.remote.open import open_blobs

way, address, folder, count = sys.argv[1:]
blobs = open_blobs(address)

def put_blob(number):
    blobs.put_blob(f"parts/{{number:04d}}", FileSource(Path(folder, f"{{number:04d}}"), {_BLOB}))

def get_blob(number):
    with Path(folder, f"{{number:04d}}").open("wb", buffering=0) as file:
        for piece in stream_range(blobs, f"parts/{{number:04d}}", 0, {_BLOB}):
            file.write(piece)

with ThreadPoolExecutor({_JOBS}) as pool:
    list(pool.map(put_blob if way == "up" else get_blob, range(int(count))))
"""


@workload("ssh")
def send_by_ssh(bench: Bench) -> Iterator[Row]:
    """Blobs of 16 MiB to a host and back, by a remote and by rsync.

    The page cache is warm. rsync flushes nothing to the disk, and the remote does.
    """
    install_programs("apt", "rsync")
    count = 4 if bench.quick else 64
    with bench.scratch() as top:
        for number in range(count):
            material.one_file(top / "source" / f"{number:04d}", _BLOB)
        (top / "sshd").mkdir()
        server = start_sshd(top / "sshd")
        try:
            yield from _race_both_ways(bench, server, top, count)
        finally:
            server.stop_server()


def _race_both_ways(bench: Bench, server: RunningServer, top: Path, count: int) -> Iterator[Row]:
    program = server.environment["MLVER_SSH"]
    source, there = top / "source", top / "there"
    python = material.mlver(bench).with_name("python")
    rsync: list[str | Path] = ["rsync", "-W", "-r", "-e", f"{program} -p {server.port}"]

    def transfer(way: str, remote: Path, folder: Path) -> Command:
        words: list[str | Path] = ["env", f"MLVER_SSH={program}", python, "-c", _TRANSFER]
        address = f"{server.address}{remote}"
        return Command([*words, way, address, folder, str(count)], top)

    def send_ours(scratch: Path) -> Command:
        init_directory(scratch / "store")
        return transfer("up", scratch / "store", source)

    def send_theirs(scratch: Path) -> Command:
        return Command([*rsync, f"{source}/", f"127.0.0.1:{scratch}/"], top)

    size = f"{count * _BLOB // MIB:,} MiB by ssh"
    race = bench.race(send_ours, send_theirs, 5)
    yield Row.of_race(f"{size}, up", "rsync", race, 1.1)
    yield Row.of_memory(f"{size}, up", race, "rsync", most=200 * MIB)
    init_directory(there)
    bench.run(transfer("up", there, source).argv)

    def fetch_theirs(scratch: Path) -> Command:
        return Command([*rsync, f"127.0.0.1:{source}/", f"{scratch}/"], top)

    race = bench.race(lambda scratch: transfer("down", there, scratch), fetch_theirs, 5)
    yield Row.of_race(f"{size}, down", "rsync", race, 1.1)
    yield Row.of_memory(f"{size}, down", race, "rsync", most=200 * MIB)
    yield _race_proven(bench, server, top, count)


def _race_proven(bench: Bench, server: RunningServer, top: Path, count: int) -> Row:
    """One file as `pull` brings it: every byte is hashed, and on the disk."""
    program = server.environment["MLVER_SSH"]
    big, store, there = top / "big", top / "store", top / "proven"
    material.one_file(big, count * _BLOB)
    store.mkdir()
    init_directory(there)
    ours: list[str | Path] = ["env", f"MLVER_SSH={program}", f"PYTHONPATH={CHECKOUT}"]
    ours += [sys.executable, "-m", "tests.benchmarks.transfer"]
    bench.run([*ours, "prepare", store, big], top)
    bench.run([*ours, "up", store, f"{server.address}{there}", ""], top)

    def fetch_ours(scratch: Path) -> Command:
        address = f"{server.address}{there}"
        return Command([*ours, "down", store, address, "", scratch / "other"], top)

    def fetch_theirs(scratch: Path) -> Command:
        words = 'rsync -W -e "$1" "$2" "$3" && sync "$3" && openssl dgst -sha256 "$3"'
        ssh, source = f"{program} -p {server.port}", f"127.0.0.1:{big}"
        return Command(["sh", "-c", words, "sh", ssh, source, scratch / "big"], top)

    race = bench.race(fetch_ours, fetch_theirs, 5)
    name = f"{count * _BLOB // MIB:,} MiB by ssh, down, synced and hashed"
    return Row.of_race(name, "rsync, `sync`, `openssl dgst -sha256`", race, 1.1)
