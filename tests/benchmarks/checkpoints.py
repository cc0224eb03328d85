"""Series of checkpoints: what the store takes for them, and what it costs to take one out."""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import CHECKOUT, Bench, Command, Prepare, Row
from tests.benchmarks.workload import MIB, register, workload

_CHECKPOINTS, _TENSORS = 10, 50
# restic takes 2.35 checkpoints for the same series, borg 2.61, DVC and git-lfs 10.
_MOST_STORED, _MOST_TIMES = 1.95, 5.0
# Gives the bytes of a tensor of that number, at that step of the training.
_MakeTensor = Callable[[int, int, int], bytes]


@workload("checkpoints-sparse")
def checkpoints_sparse(bench: Bench) -> Iterator[Row]:
    """Ten checkpoints of 200 MiB; in each, a tenth of the tensors are others than before."""

    def make_tensor(number: int, step: int, size: int) -> bytes:
        changed = max(0, step - (step - number) % _CHECKPOINTS)
        return random.Random(number * 1000 + changed).randbytes(size)

    yield from _measure_series(bench, "a tenth of the tensors changed", make_tensor, _MOST_STORED)


@workload("checkpoints-nudged")
def checkpoints_nudged(bench: Bench) -> Iterator[Row]:
    """The same, where all values change a little: the last of the four bytes of each."""

    def make_tensor(number: int, step: int, size: int) -> bytes:
        data = bytearray(random.Random(number).randbytes(size))
        if step:
            data[0::4] = random.Random(number * 1000 + step).randbytes(size // 4)
        return bytes(data)

    yield from _measure_series(bench, "all values nudged", make_tensor, None)


def _measure_series(
    bench: Bench, kind: str, make_tensor: _MakeTensor, most: float | None
) -> Iterator[Row]:
    size = MIB if bench.quick else 4 * MIB
    weights = "weights.safetensors"
    with bench.scratch() as directory:
        top = material.project(bench, directory / "repository")
        for step in range(_CHECKPOINTS):
            tensors = [make_tensor(number, step, size) for number in range(_TENSORS)]
            _write_checkpoint(top / weights, tensors)
            words = ["--bump", "minor"] if step else []
            bench.run([*register(bench, weights), *words], top)
        whole = (top / weights).stat().st_size
        # Differences are made by what mlver[insight] brings; they are read without it.
        environment = {**os.environ, **bench.env, "PYTHONPATH": os.fspath(CHECKOUT)}
        bench.run([sys.executable, "-m", "mlver", "gc", "--yes"], top, env=environment)
        yield _row_of_size(f"{_CHECKPOINTS} checkpoints, {kind}", top, whole, most)

        def take_out(version: str) -> Prepare:
            argv: list[str | Path] = [material.mlver(bench), "checkout"]
            ref = f"{material.MODEL}@{version}"
            return lambda scratch: Command([*argv, ref, "--to", scratch / "out"], top)

        last = f"1.{_CHECKPOINTS - 1}.0"
        race = bench.race(take_out(last), take_out("1.0.0"), 5)
        name = f"checkout of a checkpoint in parts, {kind}"
        yield Row.of_race(name, "of one that is whole", race, _MOST_TIMES)


def count_stored(top: Path) -> int:
    """The bytes of what is in service; the whole files in the trash are not."""
    folders = (top / ".git/mlver" / folder for folder in ("objects", "packs", "recipes"))
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sum(path.stat().st_size for path in files)


def _row_of_size(name: str, top: Path, whole: int, most: float | None) -> Row:
    """What is in service, in checkpoints."""
    stored = count_stored(top)
    ratio = stored / whole
    described = f"{ratio:.2f} checkpoints"
    ours = f"{stored / MIB:,.0f} MiB"
    if most is None:
        return Row(name, ours, "each whole", f"{_CHECKPOINTS} checkpoints", described)
    met = ratio <= most
    return Row(name, ours, "restic", "2.35 checkpoints", described, f"≤ {most}", met)


def _write_checkpoint(path: Path, tensors: list[bytes]) -> None:
    header: dict[str, object] = {}
    end = 0
    for number, data in enumerate(tensors):
        offsets = [end, end + len(data)]
        described = {"dtype": "F32", "shape": [len(data) // 4], "data_offsets": offsets}
        header[f"layers.{number}.weight"] = described
        end += len(data)
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.writelines(tensors)
