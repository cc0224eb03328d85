"""Tensors: two large checkpoints compared, beside reading, hashing, and the library of the format.

Warm, the page cache holds both; cold, `posix_fadvise` has let go of them.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.harness import Bench, Command, Prepare, Row
from tests.benchmarks.workload import MIB, workload

_TENSOR_BYTES = 64 * MIB
_MOST_MEMORY = 256 * MIB
# The upper half of the numbers, and other lowest bits.
_UPPER = bytes(byte | 0x80 for byte in range(256))
_OTHER = bytes(byte ^ 0x55 for byte in range(256))
# Reads both files by the same blocks, and does nothing with them.
_READ = """\
import os, sys
buffer = bytearray(1 << 20)
for name in sys.argv[1:]:
    descriptor = os.open(name, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
    while os.readv(descriptor, [buffer]):
        pass
"""
# What somebody writes who has the library and numpy.
_LIBRARY = """\
import sys
import numpy
from safetensors import safe_open
with safe_open(sys.argv[1], "numpy") as old, safe_open(sys.argv[2], "numpy") as new:
    for name in old.keys():
        before, after = old.get_tensor(name), new.get_tensor(name)
        delta = after - before
        print(name, abs(delta).max(), numpy.linalg.norm(delta) / numpy.linalg.norm(before))
"""


@workload("tensors")
def tensors(bench: Bench) -> Iterator[Row]:
    """Two checkpoints, all values nudged; one row each for cold and warm, and for memory."""
    size = 128 * MIB if bench.quick else 2048 * MIB
    program = bench.install_checkout("insight", "dev") / "python"
    with bench.scratch() as directory:
        top = material.project(bench, directory / "repository")
        old = _write_checkpoint(top / "weights.safetensors", size, nudged=False)
        register: list[str | Path] = [material.mlver(bench), "register", material.MODEL]
        bench.run([*register, "--weights", old.name, "-m", "First"], top)
        (digest,) = (top / ".git/mlver/objects").glob("??/*")
        new = _write_checkpoint(old, size, nudged=True)
        argv: list[str | Path] = [program, "-m", "mlver", "diff", material.MODEL, "--weights"]
        ours = Command(argv, top)
        files = (digest, new)
        reading = Command([program, "-c", _READ, *files], top)
        cold = bench.race(_prepare(ours, files, cold=True), _prepare(reading, files, cold=True), 5)
        yield Row.of_race("diff --weights, cold", "reading both", cold, 1 / 0.9)
        hashing = Command(["openssl", "dgst", "-sha256", *files], top, masked=True)
        warm = bench.race(_prepare(ours, files), _prepare(hashing, files), 5)
        yield Row.of_race("diff --weights, warm", "hashing both without SHA", warm, 0.5)
        yield Row.of_memory("peak RSS, diff --weights", warm, "openssl", most=_MOST_MEMORY)
        yield from _beside_library(bench, ours, files)


def _beside_library(bench: Bench, ours: Command, files: tuple[Path, Path]) -> Iterator[Row]:
    """Beside `safetensors` with numpy, which is to be known and has no bar."""
    library = bench.environment("safetensors", "example") / "python"
    theirs = Command([library, "-c", _LIBRARY, *files], ours.cwd)
    race = bench.race(_prepare(ours, files), _prepare(theirs, files), 3)
    yield Row.of_race("diff --weights, warm", "safetensors with numpy", race)


def _prepare(command: Command, files: tuple[Path, Path], *, cold: bool = False) -> Prepare:
    """A run for which the page cache holds the files, or does not."""

    def prepare(_: Path) -> Command:
        os.sync()
        for file in files:
            descriptor = os.open(file, os.O_RDONLY)
            if cold:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            else:
                while os.read(descriptor, 1 << 20):
                    pass
            os.close(descriptor)
        return command

    return prepare


def _write_checkpoint(path: Path, size: int, *, nudged: bool) -> Path:
    """Tensors in single precision, the same every time; `nudged` changes the lowest bits of all."""
    count = size // _TENSOR_BYTES
    header = {}
    for number in range(count):
        begin = number * _TENSOR_BYTES
        header[f"layers.{number}.weight"] = {
            "dtype": "F32",
            "shape": [_TENSOR_BYTES // 4],
            "data_offsets": [begin, begin + _TENSOR_BYTES],
        }
    text = json.dumps(header).encode()
    chance = random.Random(size)
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _ in range(size >> 20):
            file.write(_make_piece(chance, nudged=nudged))
    temporary.replace(path)
    return path


def _make_piece(chance: random.Random, *, nudged: bool) -> bytes:
    """A megabyte of numbers between 1 and 2, whatever the bits of the fraction are."""
    piece = bytearray(chance.randbytes(MIB))
    piece[2::4] = piece[2::4].translate(_UPPER)
    piece[3::4] = b"\x3f" * (MIB // 4)
    if nudged:
        piece[0::4] = piece[0::4].translate(_OTHER)
    return bytes(piece)
