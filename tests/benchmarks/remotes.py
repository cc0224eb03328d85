"""Contents sent to S3 and brought from there, against the clients and tools that people have.

The server runs beside them, on the same processors.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import CHECKOUT, Bench, Command, Prepare, Race, Row
from tests.benchmarks.workload import MIB, workload
from tests.servers.seaweedfs import BUCKET, start_seaweedfs
from tests.servers.starting import RunningServer

_PAIRS = 5
# Folders by name: how many files, and the bytes of each.
_FOLDERS = {"many": (20_000, 5_000), "shared": (5_000, 20_000)}


@dataclass(frozen=True, slots=True)
class _Ground:
    """A server, and what is to go there: a file or a folder, and a store that has the same."""

    bench: Bench
    server: RunningServer
    top: Path
    numbers: Iterator[int]

    @property
    def endpoint(self) -> str:
        return self.server.options["endpoint"]

    def run_with_keys(self, argv: Sequence[str | Path]) -> Command:
        keys = [f"{name}={value}" for name, value in self.server.environment.items()]
        settings = ["AWS_REGION=us-east-1", f"PYTHONPATH={CHECKOUT}", "RCLONE_CONFIG=/dev/null"]
        settings.append("MLVER_TRUST_REMOTES=all")
        return Command(["env", *keys, *settings, *argv], self.top)

    def ours(self, direction: str, prefix: str = "") -> Prepare:
        """Each time to another place, or from what is there below a prefix."""

        def prepare(directory: Path) -> Command:
            place = f"{self.server.address}/{prefix or f'mlver{next(self.numbers)}'}"
            program = [sys.executable, "-m", "tests.benchmarks.transfer", direction]
            words: list[str | Path] = [*program, self.top / "store", place, self.endpoint]
            if direction == "down":
                words.append(directory / "other")
            return self.run_with_keys(words)

        return prepare

    def theirs(self, program: Sequence[str | Path], source: str, target: str) -> Prepare:
        """A client that copies; `{new}` in the names is a place that is used once."""

        def prepare(directory: Path) -> Command:
            new = str(directory / "copy") if target == "{new}" else f"copy{next(self.numbers)}"
            return self.run_with_keys([*program, source, target.format(new=new)])

        return prepare

    def proven(self, prepare: Prepare) -> Prepare:
        """The same, and what mlver does besides: the copy is synced, and its digest is found."""

        def prepare_all(directory: Path) -> Command:
            command = prepare(directory)
            copy = shlex.quote(str(command.argv[-1]))
            words = f'"$@" && sync {copy} && openssl dgst -sha256 {copy}'
            return Command(["sh", "-c", words, "sh", *command.argv], command.cwd)

        return prepare_all

    def send(self, prepare: Prepare) -> None:
        """Run once, so that there is something to bring."""
        self.bench.cost(prepare)


@contextmanager
def _open_ground(bench: Bench, content: str) -> Iterator[_Ground]:
    with bench.scratch() as top:
        folder = top / "server"
        folder.mkdir()
        server = start_seaweedfs(folder)
        try:
            if content in _FOLDERS:
                files, size = _FOLDERS[content]
                material.many_files(top / content, 500 if bench.quick else files, size=size)
            else:
                material.one_file(top / content, (64 if bench.quick else 1024) * MIB)
            (top / "store").mkdir()
            ground = _Ground(bench, server, top, count())
            program = [sys.executable, "-m", "tests.benchmarks.transfer", "prepare"]
            command = ground.run_with_keys([*program, top / "store", top / content])
            bench.run(command.argv, top)
            yield ground
        finally:
            server.stop_server()


def _race_against_best(bench: Bench, ours: Prepare, theirs: Sequence[Prepare]) -> Race:
    """Ours against the quickest of several, in each round anew."""
    costs = []
    for _ in range(bench.times(_PAIRS)):
        costs.append((bench.cost(ours), min(map(bench.cost, theirs))))
    return Race([our for our, _ in costs], [their for _, their in costs])


@workload("remote-large")
def remote_large(bench: Bench) -> Iterator[Row]:
    """One large file up and down. The bar is 0.9 times the rate of the best."""
    programs = bench.environment("clients", "clients")
    with _open_ground(bench, "big") as ground:
        source = str(ground.top / "big")
        endpoint = f"--endpoint-url={ground.endpoint}"
        clients: list[tuple[list[str | Path], str]] = [
            ([programs / "s5cmd", endpoint, "cp"], f"s3://{BUCKET}/"),
            ([programs / "aws", endpoint, "s3", "cp", "--quiet"], f"s3://{BUCKET}/"),
            (_rclone(programs, ground), f":s3:{BUCKET}/"),
        ]
        ups = [ground.theirs(program, source, f"{root}{{new}}") for program, root in clients]
        race = _race_against_best(bench, ground.ours("up"), ups)
        yield Row.of_race("1 GiB to S3", "best of rclone, s5cmd, aws", race, 1 / 0.9)
        yield Row.of_memory("peak RSS, 1 GiB to S3", race, "the best", most=200 * MIB)
        ground.send(ground.ours("up", "there"))
        ground.send(ground.theirs(clients[0][0], source, f"s3://{BUCKET}/there.bin"))
        downs = [ground.theirs(program, f"{root}there.bin", "{new}") for program, root in clients]
        race = _race_against_best(bench, ground.ours("down", "there"), downs)
        yield Row.of_race("1 GiB from S3", "best of rclone, s5cmd, aws", race, 1 / 0.9)
        yield Row.of_memory("peak RSS, 1 GiB from S3", race, "the best", most=200 * MIB)
        race = bench.race(ground.ours("down", "there"), ground.proven(downs[0]), _PAIRS)
        name = "1 GiB from S3, synced and hashed"
        yield Row.of_race(name, "s5cmd, `sync`, `openssl dgst -sha256`", race, 1 / 0.9)


@workload("remote-small")
def remote_small(bench: Bench) -> Iterator[Row]:
    """Many small files up. The bar is three times the rate of s5cmd."""
    programs = bench.environment("clients", "clients")
    with _open_ground(bench, "many") as ground:
        program: list[str | Path] = [programs / "s5cmd", f"--endpoint-url={ground.endpoint}", "cp"]
        theirs = ground.theirs(program, f"{ground.top}/many/", f"s3://{BUCKET}/{{new}}/")
        race = bench.race(ground.ours("up"), theirs, _PAIRS)
        yield Row.of_race("20,000 × 5 kB to S3", "s5cmd", race, 1 / 3)


@workload("remote-pull")
def remote_pull(bench: Bench) -> Iterator[Row]:
    """Fresh clones that bring a version of many files. The bar is a fifth of DVC's time.

    `dvc pull` also puts the files into the work tree, as `checkout` does after `mlver pull`.
    """
    dvc = bench.environment("dvc-s3", "dvc-s3") / "dvc"
    mlver = shlex.join([sys.executable, "-m", "mlver"])
    with _open_ground(bench, "shared") as ground:
        _share_by_mlver(ground, mlver)
        _share_by_dvc(ground, dvc)
        theirs = _pull_in_clone(ground, "theirs", f"{shlex.quote(str(dvc))} pull --quiet")
        ways = {
            "pull": f"{mlver} pull m@1.0.0",
            "pull and checkout": f"{mlver} pull m@1.0.0 && {mlver} checkout m@1.0.0 --force",
        }
        for way, words in ways.items():
            race = bench.race(_pull_in_clone(ground, "ours", words), theirs, _PAIRS)
            yield Row.of_race(f"{way} of 5,000 × 20 kB from S3", "dvc pull", race, 0.2)


def _pull_in_clone(ground: _Ground, repository: str, words: str) -> Prepare:
    """Run a command of a shell in a clone that has nothing yet but what git brings."""

    def prepare(directory: Path) -> Command:
        clone = directory / "clone"
        ground.bench.run(["git", "clone", "--quiet", ground.top / repository, clone])
        command = ground.run_with_keys([f"DVC_SITE_CACHE_DIR={directory}/site", "sh", "-c", words])
        return Command(command.argv, clone)

    return prepare


def _run_in(ground: _Ground, repository: str, *commands: str) -> None:
    """Run commands of a shell in a new repository that has the files as `data`."""
    folder = ground.top / repository
    folder.mkdir()
    shutil.copytree(ground.top / "shared", folder / "data")
    words = " && ".join(["git init --quiet", *commands])
    command = ground.run_with_keys([f"DVC_SITE_CACHE_DIR={ground.top}/site", "sh", "-c", words])
    ground.bench.run(command.argv, folder)


def _share_by_mlver(ground: _Ground, mlver: str) -> None:
    remote = f"remotes:\n  store:\n    url: {ground.server.address}/pull\n"
    remote += f"    endpoint: {ground.endpoint}\n    region: us-east-1\n"
    _run_in(
        ground,
        "ours",
        f"{mlver} init",
        f"printf %s {shlex.quote(remote)} >> .mlver/config.yaml",
        "echo /data/ > .gitignore",
        "git add --all",
        "git commit --quiet -m Settings",
        f"{mlver} register m --weights data -m First",
        f"{mlver} push --objects",
    )


def _share_by_dvc(ground: _Ground, dvc: Path) -> None:
    program = shlex.quote(str(dvc))
    _run_in(
        ground,
        "theirs",
        f"{program} init --quiet",
        f"{program} remote add --quiet --default store s3://{BUCKET}/dvc",
        f"{program} remote modify store endpointurl {ground.endpoint}",
        f"{program} add --quiet data",
        "git add --all",
        "git commit --quiet -m First",
        f"{program} push --quiet",
    )


def _rclone(programs: Path, ground: _Ground) -> list[str | Path]:
    """rclone with 16 MiB at a time, four at once, as mlver has."""
    server = ["--s3-provider=Other", "--s3-env-auth", f"--s3-endpoint={ground.endpoint}"]
    pieces = ["--s3-chunk-size=16M", "--s3-upload-concurrency=4", "--multi-thread-streams=4"]
    return [programs / "rclone", *server, *pieces, "--s3-no-check-bucket", "copyto"]
