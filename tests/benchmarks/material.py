"""What the workloads work on: bytes, trees of files, repositories with a history.

All of it the same every time.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.harness import Bench

MODEL = "model"
_FOLDERS = 1000  # of 50 files each, when there are 50,000


def mlver(bench: Bench) -> Path:
    """The mlver that people have.

    It is built from this checkout, and installed with what it needs and nothing else.
    """
    return bench.environment("mlver", "mlver") / "mlver"


def one_file(path: Path, size: int) -> Path:
    """A file of random bytes, written in pieces so that this process stays smaller than those it
    measures.
    """
    chance = random.Random(size)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(chance.randbytes(1 << 20))
    return path


def many_files(top: Path, count: int, size: int = 0) -> Path:
    """Random files of 1 to 20 KiB, or of `size` bytes, in directories three deep."""
    chance = random.Random(count)
    folders = max(1, count * _FOLDERS // 50_000)
    for number in range(count):
        folder = number % folders
        path = (
            top
            / f"{folder % 10}"
            / f"part-{folder // 10 % 10}"
            / f"{folder:04d}"
            / f"sample-{number:05d}.bin"
        )
        if number < folders:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(size or chance.randint(1 << 10, 20 << 10)))
    return top


def repository(bench: Bench, top: Path) -> Path:
    """A git repository with one commit."""
    top.mkdir(parents=True, exist_ok=True)
    (top / "train.py").write_text("print('training')\n")
    (top / ".gitignore").write_text("/weights*\n/data\n")
    bench.run(["git", "init", "-q"], top)
    bench.run(["git", "add", "."], top)
    bench.run(["git", "commit", "-q", "-m", "First"], top)
    return top


def project(bench: Bench, top: Path) -> Path:
    """The same, where `mlver init` was run."""
    repository(bench, top)
    bench.run([mlver(bench), "init"], top)
    return top


def registered(bench: Bench, top: Path, count: int, size: int = 0) -> Path:
    """So many small files, registered and, by a look at them once they had settled, known to the
    stat cache.
    """
    project(bench, top)
    many_files(top / "data", count, size)
    bench.run([mlver(bench), "register", MODEL, "--weights", "data", "-m", "A version"], top)
    time.sleep(2.1)
    bench.run([mlver(bench), "status"], top)
    return top


def dvc_project(bench: Bench, directory: Path, dvc: Path) -> Path:
    """A repository where `dvc init` was run, and nothing else."""
    top = repository(bench, directory / "dvc")
    (top / ".gitignore").unlink()
    bench.run([dvc, "init", "-q"], top)
    bench.run([dvc, "config", "core.site_cache_dir", directory / "site"], top)
    return top


def small_project(bench: Bench, top: Path) -> Path:
    """Five versions with params and metrics, two stages held."""
    project(bench, top)
    for number in range(5):
        (top / "weights.bin").write_bytes(b"%d" % number * 1000)
        told = [
            "--param",
            "lr=0.001",
            "--param",
            f"seed={number}",
            "--metric",
            f"accuracy=0.9{number}",
        ]
        where = [
            "--weights",
            "weights.bin",
            *told,
            "--version",
            f"1.{number}.0",
            "-m",
            f"Batch {number}",
        ]
        bench.run([mlver(bench), "register", MODEL, *where], top)
    for stage, version in (("production", "1.3.0"), ("staging", "1.4.0")):
        bench.run(
            [mlver(bench), "promote", f"{MODEL}@{version}", "--to", stage, "-m", "Good enough"], top
        )
    return top


ChangeRecord = Callable[[int, bytes], bytes]


def keep_record(_: int, record: bytes) -> bytes:
    """Every version is like the first."""
    return record


def long_line(bench: Bench, top: Path, count: int, change: ChangeRecord = keep_record) -> Path:
    """One model of so many sealed versions, `0.0.0` on, as a clone has it.

    It is one commit, and its tags are packed.

    The first is registered; the others are that record under another number, for registering 10,000
    takes an hour. `change` makes each of them different.
    """
    project(bench, top)
    (top / "weights.bin").write_bytes(b"weights")
    tags = add_line(bench, top, MODEL, "weights.bin", count, change)
    seal_lines(bench, top, tags)
    return top


def add_line(
    bench: Bench, top: Path, model: str, weights: str, count: int, change: ChangeRecord
) -> str:
    """The same for a model, without the commit; return the tags that `seal_lines` takes."""
    known = ["--weights", weights, "--metric", "accuracy=0.9", "--label", "team=nlp"]
    told = [*known, "--version", "0.0.0", "-m", "A version"]
    bench.run([mlver(bench), "register", model, *told], top)
    folder = top / ".mlver" / "models" / model / "versions"
    record = (folder / "0.0.0.yaml").read_bytes()
    tags = []
    for number in range(1, count):
        version = f"{number // 1000}.{number // 10 % 100}.{number % 10}"
        data = record.replace(b'version: "0.0.0"', f'version: "{version}"'.encode())
        data = change(number, data)
        (folder / f"{version}.yaml").write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        message = f"{model} {version}\n\nA version\n\nMlver-Record: sha256:{digest}\n"
        tagger = "tagger Kim <kim@example.org> 1767323045 +0000"
        tags.append(
            f"tag {model}@v{version}\nfrom refs/heads/main^0\n{tagger}\n"
            f"data {len(message)}\n{message}\n"
        )
    return "".join(tags)


def seal_lines(bench: Bench, top: Path, tags: str) -> None:
    """Commit the records of lines, and seal them."""
    bench.run(["git", "add", ".mlver"], top)
    bench.run(["git", "commit", "-q", "-m", "The others"], top)
    bench.run(["git", "fast-import", "--quiet"], top, stdin=tags.encode())
    bench.run(["git", "pack-refs", "--all"], top)


def many_models(bench: Bench, top: Path, models: int, versions: int, others: int) -> Path:
    """So many models, each with its own weights and versions, among other files that git has."""
    project(bench, top)
    many_files(top / "src", others, size=64)
    bench.run(["git", "add", "src"], top)
    bench.run(["git", "commit", "-q", "-m", "Other files"], top)
    tags = []
    for number in range(models):
        weights = f"weights-{number}.bin"
        (top / weights).write_bytes(b"%d" % number * 1000)
        model = f"{MODEL}-{number}"
        tags.append(add_line(bench, top, model, weights, versions, keep_record))
    seal_lines(bench, top, "".join(tags))
    return top


def copied(source: Path, target: Path) -> Path:
    """A copy that no tool has seen yet; its bytes are in the page cache afterwards."""
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
    return target
