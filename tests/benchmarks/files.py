"""Bytes: registering, looking at, taking out and proving one large file and many small ones.

What is warm and what is cold stands in each workload's docstring.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Command, Prepare, Row, always, has_sha
from tests.benchmarks.workload import MIB, register, workload


@workload("register-large")
def register_large(bench: Bench) -> Iterator[Row]:
    """One large file: hashed, stored, synced, committed, tagged.

    The page cache is warm, the repository new.

    It can take no less than one core's hash of it, nor than a synced copy.
    """
    source = _large_file(bench)

    def ours(masked: bool) -> Prepare:
        def prepare(directory: Path) -> Command:
            top = material.project(bench, directory / "repository")
            (top / "weights.bin").hardlink_to(source)
            return Command(register(bench, "weights.bin"), top, masked)

        return prepare

    yield from _large_rows(bench, "register", source, ours)
    source.unlink()


@workload("checkout-large")
def checkout_large(bench: Bench) -> Iterator[Row]:
    """One large file out of the store into an empty folder, hashed on the way.

    The page cache is warm.
    """
    source = _large_file(bench)
    with bench.scratch() as directory:
        top = material.project(bench, directory / "repository")
        (top / "weights.bin").hardlink_to(source)
        bench.run(register(bench, "weights.bin"), top)

        def ours(masked: bool) -> Prepare:
            argv: list[str | Path] = [material.mlver(bench), "checkout", material.MODEL, "--to"]
            return lambda scratch: Command([*argv, scratch / "out"], top, masked)

        yield from _large_rows(bench, "checkout", source, ours)
    source.unlink()


@workload("rollback-large")
def rollback_large(bench: Bench) -> Iterator[Row]:
    """One large file put back by a rollback: proven, its successor proven to be stored, copied.

    The page cache is warm.
    """
    source = _large_file(bench)
    program = material.mlver(bench)
    with bench.scratch() as directory:
        top = material.project(bench, directory / "repository")
        weights = top / "weights.bin"
        weights.hardlink_to(source)
        bench.run(register(bench, "weights.bin"), top)
        weights.unlink()
        material.copied(source, weights)
        with weights.open("ab") as file:
            file.write(b"the second")
        bench.run([program, "register", material.MODEL, "--bump", "minor", "-m", "Second"], top)
        promote: list[str | Path] = [program, "promote", "--to", "production", "-m", "Good"]
        for number in ("1.0.0", "1.1.0"):
            bench.run([*promote, f"{material.MODEL}@{number}"], top)
        versions = cycle(("1.0.0", "1.1.0"))

        def ours(masked: bool) -> Prepare:
            argv: list[str | Path] = [program, "rollback", material.MODEL, "--stage", "production"]
            argv += ["--checkout", "-m", "Back", "--to"]

            def prepare(_: Path) -> Command:
                # The rollback before wrote it past the page cache; who used it since has read it.
                bench.run(["cksum", weights])
                return Command([*argv, next(versions)], top, masked)

            return prepare

        yield from _large_rows(bench, "rollback --checkout of", source, ours)
    source.unlink()


def _large_file(bench: Bench) -> Path:
    size = 64 * MIB if bench.quick else 4096 * MIB
    return material.one_file(bench.root / "large" / "weights.bin", size)


def _large_rows(
    bench: Bench, verb: str, source: Path, ours: Callable[[bool], Prepare]
) -> Iterator[Row]:
    """Against the slower of hashing and copying, with and without SHA instructions."""
    size = source.stat().st_size
    for masked in (False, True) if has_sha() else (False,):

        def shell(script: str, masked: bool = masked) -> Prepare:
            return lambda directory: Command(["sh", "-c", script, source], directory, masked)

        peers = [shell('openssl dgst -sha256 "$0"'), shell('cp "$0" copy && sync copy')]
        kind = "with" if has_sha() and not masked else "without"
        name = f"{verb} one file of {size // MIB:,} MiB, {kind} SHA instructions"
        race = bench.slowest(ours(masked), peers, 3)
        yield Row.of_race(name, "the slower of `openssl dgst -sha256` and a synced `cp`", race, 1.3)


@workload("register-many")
def register_many(bench: Bench) -> Iterator[Row]:
    """Many small files.

    All tools meet a new repository, no cache of their own, and files just copied: cached.
    """
    count = _count(bench)
    source = material.many_files(bench.root / f"many-{count}", count)
    dvc = bench.environment("peers", "adopting") / "dvc"

    def ours(directory: Path) -> Command:
        top = material.project(bench, directory / "repository")
        material.copied(source, top / "data")
        return Command(register(bench, "data"), top)

    def with_dvc(directory: Path) -> Command:
        top = material.dvc_project(bench, directory, dvc)
        material.copied(source, top / "data")
        return Command([dvc, "add", "-q", "data"], top)

    def with_git(directory: Path) -> Command:
        top = material.repository(bench, directory / "repository")
        (top / ".gitignore").unlink()
        material.copied(source, top / "data")
        return Command(["git", "add", "data"], top)

    def with_cp(directory: Path) -> Command:
        return Command(["sh", "-c", 'cp -r "$0" copy && sync -f copy', source], directory)

    name = f"register {count:,} files of 1–20 KiB"
    yield Row.of_race(name, "`dvc add`", bench.race(ours, with_dvc, 3), 0.12)
    yield Row.of_race(name, "a synced `cp -r`", bench.race(ours, with_cp, 5), 0.7)
    yield Row.of_race(name, "`git add`, which syncs nothing", bench.race(ours, with_git, 3))


@workload("status-many")
def status_many(bench: Bench) -> Iterator[Row]:
    """Many small files.

    Directory entries, inodes and caches are warm; start-up is the same of one small file.
    """
    count = _count(bench)
    dvc = bench.environment("peers", "adopting") / "dvc"
    with bench.scratch() as directory:
        small = material.registered(bench, directory / "small", 1)
        top = material.registered(bench, directory / "many", count)
        theirs = material.dvc_project(bench, directory, dvc)
        material.many_files(theirs / "data", count)
        bench.run([dvc, "add", "-q", "data"], theirs)
        ours = Command([material.mlver(bench), "status"], top)
        start = Command(ours.argv, small)
        find = Command(["find", "data", "-type", "f", "-printf", r"%i %s %T@\n"], top)
        name = f"status of {count:,} unchanged files"
        race = bench.race(always(ours), always(find), 15, but=always(start))
        yield Row.of_race(f"{name}, less start-up", "`find -printf '%i %s %T@'`", race, 2)
        race = bench.race(always(ours), always(Command([dvc, "status", "-q"], theirs)), 3)
        yield Row.of_race(name, "unchanged `dvc status`", race, 0.12)
        for told, touched in (("one", 1), ("all", count)):
            race = bench.race(_touched(ours, touched), _settled(bench, ours), 3)
            yield Row.of_race(f"the same, {told} touched", "none touched", race)


_IN_ONE_PROCESS = """
import sys
from mlver.cli.main import main
from mlver.hashing import unchanged
unchanged.SHARED_FILES = sys.maxsize
sys.exit(main(sys.argv[1:]))
"""


@workload("walk-beside")
def walk_beside(bench: Bench) -> Iterator[Row]:
    """The walk of an unchanged directory, half of it by a forked process, and all by one process.

    Directory entries, inodes and caches are warm.
    """
    count = _count(bench)
    program = material.mlver(bench)
    with bench.scratch() as directory:
        top = material.registered(bench, directory / "many", count)
        ours = Command([program, "status"], top)
        script: list[str | Path] = [program.parent / "python", "-c", _IN_ONE_PROCESS, "status"]
        race = bench.race(always(ours), always(Command(script, top)), 15)
        name = f"status of {count:,} unchanged files, walked by two processes"
        yield Row.of_race(name, "by one process", race, 0.9)


@workload("checkout-many")
def checkout_many(bench: Bench) -> Iterator[Row]:
    """Many small files out of the store into an empty folder, each hashed on the way.

    The page cache is warm.
    """
    count = _count(bench)
    with bench.scratch() as directory:
        top = material.registered(bench, directory / "repository", count)
        ours = Command([material.mlver(bench), "checkout", material.MODEL, "--to"], top)

        def out(scratch: Path) -> Command:
            return Command([*ours.argv, scratch / "out"], top)

        def copy(script: str) -> Prepare:
            return lambda scratch: Command(["sh", "-c", script, top / "data"], scratch)

        name = f"checkout of {count:,} files"
        yield Row.of_race(
            name, "`cp -r`, which syncs nothing", bench.race(out, copy('cp -r "$0" copy'), 5), 1.2
        )
        yield Row.of_race(
            name, "a synced `cp -r`", bench.race(out, copy('cp -r "$0" copy && sync -f copy'), 5)
        )


@workload("verify-many")
def verify_many(bench: Bench) -> Iterator[Row]:
    """Every byte read and hashed again, in as many processes as there are cores.

    The page cache is warm.
    """
    count = _count(bench)
    cores = str(len(os.sched_getaffinity(0)))
    with bench.scratch() as directory:
        small = material.registered(bench, directory / "small", 1)
        top = material.registered(bench, directory / "many", count)
        argv: list[str | Path] = [material.mlver(bench), "verify"]
        script = (
            f"find data .git/mlver/packs -type f -print0 | xargs -0 -n 500 -P {cores} sha256sum"
        )
        race = bench.race(
            always(Command(argv, top)),
            always(Command(["sh", "-c", script], top)),
            5,
            but=always(Command(argv, small)),
        )
        yield Row.of_race(
            f"verify {count:,} files and the store, less start-up",
            f"`sha256sum` of both in {cores} processes",
            race,
            1.2,
        )


def _count(bench: Bench) -> int:
    return 2_000 if bench.quick else 50_000


def _settled(bench: Bench, command: Command) -> Prepare:
    """Run once some time after the last change, so that nothing of it is too recent to be known by
    its times.
    """

    def prepare(_: Path) -> Command:
        time.sleep(2.1)
        bench.run(command.argv, command.cwd)
        return command

    return prepare


def _touched(command: Command, count: int) -> Prepare:
    """The first so many of its files have a new modification time each time, and the old bytes."""
    files = sorted((command.cwd / "data").rglob("*.bin"))[:count]

    def prepare(_: Path) -> Command:
        for file in files:
            os.utime(file)
        return command

    return prepare
