"""The repositories that pages begin with, made once and copied for each page."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from mlver.cli.main import main
from tests.conftest import CHECKOUT
from tests.copies import copy_folder

# A command line that needs no shell: mlver and its words.
PLAIN = re.compile(r"mlver( ('[^']*'|\"[^\"$`\\]*\"|[\w./@=,:~-]+))*\n?")

# A training that needs nothing but Python, and leaves the same bytes everywhere.
TRAIN = """\
import json, pathlib, random, sys
width = int(sys.argv[2]) if len(sys.argv) > 2 else 32
pathlib.Path("params.yaml").write_text(f"lr: 0.001\\nseed: 42\\nwidth: {width}\\n")
pathlib.Path("model").mkdir(exist_ok=True)
size = 900 * width - 80
entry = {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}
weights = (72).to_bytes(8, "little") + json.dumps({"w": entry}).ljust(72).encode()
weights += random.Random(width).randbytes(size)
pathlib.Path("model/weights.safetensors").write_bytes(weights)
pathlib.Path("model/config.json").write_text('{"layers": 2}\\n')
accuracy, loss = {32: (0.931, 0.244), 64: (0.958, 0.187)}[width]
pathlib.Path("metrics.json").write_text(json.dumps({"accuracy": accuracy, "log_loss": loss}))
for part in range(3 if width == 32 else 4):
    folder = pathlib.Path("data/train")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"part-{part}.csv").write_bytes(random.Random(part).randbytes(20_000))
"""

# It measures a version on a pinned data set: more weights know more digits.
EVALUATE = """\
import json, os, pathlib
weights = pathlib.Path(os.environ["MLVER_WEIGHTS"], "weights.safetensors").read_bytes()
rows = pathlib.Path(os.environ["MLVER_DATA_GOLDEN"]).read_text().splitlines()[1:]
right = [row for row in rows if int(row.split(",")[0]) < len(weights) // 9000]
metrics = {"accuracy": len(right) / len(rows), "count": len(rows)}
pathlib.Path(os.environ["MLVER_METRICS"]).write_text(json.dumps(metrics))
"""
# It logs as it goes.
FIT = """\
import json, os, pathlib
log = pathlib.Path(os.environ["MLVER_CURVES"]).open("a")
for step in range(1, 4):
    print(json.dumps({"step": step, "loss": 1 / step}), file=log)
pathlib.Path("metrics.json").write_text(json.dumps({"accuracy": 0.96, "log_loss": 0.18}))
"""
# Rows of two columns; the second argument moves the incomes.
ROWS = """\
import random, sys
chance = random.Random(int(sys.argv[1]))
mean = 50 + float(sys.argv[2])
rows = (f"{chance.randint(18, 90)},{chance.gauss(mean, 9):.1f}" for _ in range(500))
print("age,income", *rows, sep="\\n")
"""
# It writes weights in the format of safetensors, of which a step changes a part by so much.
TUNE = """\
import array, json, math, pathlib, random, sys
step, part = float(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""
shapes = {"embeddings.words.weight": (500, 16)}
for layer in range(6):
    shapes[f"encoder.layer.{layer}.query.weight"] = (16, 16)
    shapes[f"encoder.layer.{layer}.query.bias"] = (16,)
shapes["pooler.dense.weight"] = (16, 16)
chance, noise = random.Random(1), random.Random(2)
header, data = {}, b""
for name, shape in shapes.items():
    values = array.array("f", (chance.gauss(0, 1) for _ in range(math.prod(shape))))
    if name.startswith(part):
        values = array.array("f", (value + step * noise.gauss(0, 1) for value in values))
    offsets = [len(data), len(data) + len(values.tobytes())]
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
    data += values.tobytes()
text = json.dumps(header).encode()
pathlib.Path("encoder").mkdir(exist_ok=True)
path = pathlib.Path("encoder/model.safetensors")
path.write_bytes(len(text).to_bytes(8, "little") + text + data)
"""
PIN = 'datasets:\n  golden: {path: golden.csv, digest: "sha256:%s"}\n'
WATCHED = """\
remotes:
  store: {url: /proc/self/cwd/.git/store}
verdict:
  metrics:
    errors: {bad: outcome="error", margin: 0.01}
auto_rollback:
  digits: {stages: [production]}
"""

# Each story goes on from another: its name, then the commands that follow.
STORIES = {
    "trained": (
        "",
        "git init --quiet",
        "printf '# A project\\n' > README.md && git add README.md && git commit -qm First",
        "python train.py",
        "git add train.py params.yaml metrics.json && git commit -qm Train",
    ),
    "registered": (
        "trained",
        "mlver init",
        "mlver register digits --weights model --data train=data/train"
        " --params params.yaml --metrics metrics.json -m first",
        "printf '%s\\n' /model/ /data/train/ >> .gitignore",
        "git add . && git commit -qm 'Ignore what mlver keeps'",
    ),
    "two-versions": (
        "registered",
        "python train.py --width 64",
        "git commit -qam 'Wider layer'",
        "mlver register digits --bump minor -m 'wider layer'",
    ),
    "in-production": (
        "two-versions",
        "mlver promote digits@1.0.0 --to production -m 'first release'",
        "mlver promote digits@1.1.0 --to production -m better",
    ),
    "examined": (
        "in-production",
        f"printf '%s' {shlex.quote(EVALUATE)} > evaluate.py",
        "printf 'digit,label\\n1,1\\n2,2\\n4,4\\n6,6\\n' > golden.csv",
        f"printf {shlex.quote(PIN)} $(sha256sum golden.csv | cut -c1-64) >> .mlver/config.yaml",
        "git add . && git commit -qm 'Pin the golden data set'",
    ),
    "logging": (
        "two-versions",
        f"printf '%s' {shlex.quote(FIT)} > fit.py",
        "git add fit.py && git commit -qm 'Log the loss'",
    ),
    "tables": (
        "in-production",
        f"printf '%s' {shlex.quote(ROWS)} > rows.py && git add rows.py && git commit -qm Rows",
        "python rows.py 1 0 > data/people.csv && echo /data/people.csv >> .git/info/exclude",
        "mlver register digits --bump minor --data people=data/people.csv -m 'with incomes'",
        "python rows.py 2 0 > monday.csv && python rows.py 3 9 > friday.csv",
        "echo '/*day.csv' >> .git/info/exclude",
    ),
    "tuned": (
        "trained",
        "mlver init",
        f"printf '%s' {shlex.quote(TUNE)} > tune.py",
        "printf '%s\\n' /model/ /data/ /encoder/ > .gitignore",
        "git add . && git commit -qm 'Tune an encoder'",
        "python tune.py 0",
        "mlver register encoder --weights encoder -m 'as published'",
        "python tune.py 0.001",
        "mlver register encoder --bump minor -m 'fine-tuned'",
        "python tune.py 0.01 pooler",
        "mlver register encoder --bump minor -m 'a new head'",
    ),
    # What watch needs: a forge, a place for the bytes, and settings that allow it something.
    "watched": (
        "in-production",
        "git init --quiet --bare .git/forge.git",
        "git remote add origin .git/forge.git",
        "mlver store --init .git/store",
        f"printf {shlex.quote(WATCHED)} >> .mlver/config.yaml",
        "git commit -qam 'Say what may be rolled back'",
        "MLVER_TRUST_REMOTES=all mlver push",
    ),
    # A clone without the bytes, and behind: a colleague rolled back, and retired a version.
    "behind": (
        "in-production",
        "git init --quiet --bare .git/forge.git",
        "git remote add origin .git/forge.git",
        "git push --quiet --set-upstream origin main 'refs/tags/*:refs/tags/*'",
        "mlver rollback digits --stage production -m 'latency doubled'",
        "mlver retire digits@1.1.0 -m 'trained on the test set' --in-favour-of digits@1.0.0",
        "git push --quiet && mlver tag --push",
        "git tag --delete digits@production.3 && git reset --quiet --hard HEAD~2",
        "git update-ref refs/remotes/origin/main HEAD",
        "rm -r .git/mlver model data",
    ),
}


class StoryTeller:
    """Makes each story the first time a page asks for it, below a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._programs = folder / "bin"

    def open_story(self, name: str, place: Path) -> None:
        """A repository at `place` in which the story has happened."""
        copy_folder(self._make_story(name), place)

    def run_command(self, command: str, place: Path) -> tuple[int, str]:
        """The exit code and everything printed, with the folder around `place` called /home/kim."""
        self._make_programs()
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(place)
            patch.setenv("PATH", f"{self._programs}{os.pathsep}{os.environ['PATH']}")
            patch.setenv("PYTHONPATH", str(CHECKOUT))  # also for the hooks, which git starts
            patch.setenv("COLUMNS", "100")
            code, printed = _run_mlver(command) if PLAIN.fullmatch(command) else _run_shell(command)
        return code, printed.decode().replace(os.fspath(place.parent), "/home/kim")

    def _make_story(self, name: str) -> Path:
        place = self._folder / name / "repository"
        if place.exists():
            return place
        before, *commands = STORIES[name]
        if before:
            self.open_story(before, place)
        else:
            place.mkdir(parents=True)
            (place / "train.py").write_text(TRAIN)
        for command in commands:
            code, printed = self.run_command(command, place)
            assert code == 0, f"{command} exited {code}: {printed}"
        return place

    def _make_programs(self) -> None:
        """`mlver` and `python`, as after an installation."""
        if self._programs.exists():
            return
        self._programs.mkdir(parents=True)
        for name, words in {"mlver": "-m mlver", "python": ""}.items():
            program = self._programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
            program.chmod(0o755)


def _run_mlver(command: str) -> tuple[int, bytes]:
    """In this process: starting one takes longer than most commands."""
    with io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) as screen:
        with redirect_stdout(screen), redirect_stderr(screen):
            code = main(shlex.split(command)[1:])
        assert isinstance(screen.buffer, io.BytesIO)
        return code, screen.buffer.getvalue()


def _run_shell(command: str) -> tuple[int, bytes]:
    done = subprocess.run(
        ["bash", "-c", command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout
