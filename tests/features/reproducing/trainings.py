"""A training that needs nothing but Python, and environments to repeat it in."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.conftest import Repository

# It writes three numbers as .npy, of its data, its parameters and what it was trained from;
# the variable NUDGE stands for another machine.
TRAIN = """\
import json, os, pathlib, struct
rows = pathlib.Path("rows/a.csv").read_text().split()
rate = json.loads(pathlib.Path("params.json").read_text())["rate"]
model = pathlib.Path("model")
before = model.joinpath("w.npy").read_bytes()[-24:] if model.exists() else bytes(24)
numbers = [float(row) * rate + old for row, old in zip(rows, struct.unpack("<3d", before))]
numbers[1] += float(os.environ.get("NUDGE", "0"))
header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }".ljust(117) + b"\\n"
model.mkdir(exist_ok=True)
begin = b"\\x93NUMPY\\x01\\x00v\\x00"
model.joinpath("w.npy").write_bytes(begin + header + struct.pack("<3d", *numbers))
model.joinpath("config.json").write_text("{}" + os.environ.get("LAYERS", ""))
pathlib.Path("metrics.json").write_text(json.dumps({"sum": sum(numbers)}))
"""
_PARTS = ("--weights", "model", "--data", "rows=rows", "--params", "params.json")
REGISTER = ("register", "m", *_PARTS, "--metrics", "metrics.json", "-m", "first")
COMMAND = "python train.py"


def make_environment(folder: Path, **packages: str) -> Path:
    """A Python environment, as its files tell it, with the Python that runs the tests."""
    version = "{}.{}.{}".format(*sys.version_info)
    library = folder / f"lib/python{version.rpartition('.')[0]}/site-packages"
    library.mkdir(parents=True)
    (folder / "pyvenv.cfg").write_text(f"version = {version}\n")
    (folder / "bin").mkdir()
    (folder / "bin/python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (folder / "bin/python").chmod(0o755)
    for name, number in packages.items():
        info = library / f"{name}-{number}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {name}\nVersion: {number}\n\n")
    return folder


def begin_training(repository: Repository) -> None:
    """Code, parameters and data, committed where they are code."""
    repository.write(".gitignore", "/model/\n/rows/\n/metrics.json\n")
    repository.write("train.py", TRAIN)
    repository.write("params.json", '{"rate": 0.5, "seed": 7}')
    repository.write("rows/a.csv", "1 2 3\n")
    repository.mlver("init")
    repository.commit("Code")


def train(repository: Repository, environment: Path, *options: str, command: str = COMMAND) -> None:
    """Train and register a version."""
    import subprocess  # noqa: PLC0415 - only here

    subprocess.run([environment / "bin/python", "train.py"], cwd=repository.path, check=True)
    words = ("--environment", str(environment), "--command", command, *options)
    done = repository.mlver(*REGISTER, *words)
    assert done.code == 0, done.err
