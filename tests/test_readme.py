"""The README's screens are real: each `console` block is run, in order, in one repository, and must print just that.

`README_SCREENS=/tmp/README.md python -m pytest tests/test_readme.py` writes a README with the screens as they are now:
look at it, then copy it here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, Repository

README = CHECKOUT / "README.md"
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)
# What differs from one machine to the next: names of objects and commits, places, the Python it runs on.
VARIES = re.compile(
    r"\b[0-9a-f]{10,64}\b|(?<=sha256:)[0-9a-f]+|/[^ ]*/repository|3\.\d+\.\d+ on \S+|\d+ packages?"
)

TRAIN = """\
import json, pathlib, random, sys
width = int(sys.argv[2]) if len(sys.argv) > 2 else 32
pathlib.Path("params.yaml").write_text(f"lr: 0.001\\nseed: 42\\nwidth: {width}\\n")
pathlib.Path("model").mkdir(exist_ok=True)
pathlib.Path("model/weights.safetensors").write_bytes(random.Random(width).randbytes(900 * width))
pathlib.Path("model/config.json").write_text('{"layers": 2}\\n')
accuracy, loss = {32: (0.931, 0.244), 64: (0.958, 0.187)}[width]
pathlib.Path("metrics.json").write_text(json.dumps({"accuracy": accuracy, "log_loss": loss}))
for part in range(3 if width == 32 else 4):
    folder = pathlib.Path("data/train")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"part-{part}.csv").write_bytes(random.Random(part).randbytes(20_000))
"""


@pytest.fixture
def shell(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A repository after its first training, with `mlver` and `python` on the PATH."""
    programs = repository.path.parent / "bin"
    programs.mkdir()
    for name, words in {"mlver": "-m mlver", "python": ""}.items():
        program = programs / name
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH="{CHECKOUT}" exec "{sys.executable}" {words} "$@"\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))  # for the hooks, which git starts
    repository.write("train.py", TRAIN)
    subprocess.run([sys.executable, "train.py"], cwd=repository.path, check=True)
    repository.git("add", "train.py", "params.yaml", "metrics.json")
    repository.git("commit", "--quiet", "--message", "Train")
    return repository


def test_the_screens_are_real(shell: Repository) -> None:
    told = README.read_text()
    shown = BLOCK.sub(lambda block: "".join(_run(shell.path, block[0])), _skip_teaser(told))
    if target := os.environ.get("README_SCREENS"):
        Path(target).write_text(told[: told.index("## The story")] + shown)
        pytest.skip(f"wrote {target}")
    assert VARIES.sub("…", shown) == VARIES.sub("…", _skip_teaser(told))


def _skip_teaser(text: str) -> str:
    """From the story on: the block before it only shows what it will be like."""
    return text[text.index("## The story") :]


def _run(where: Path, block: str) -> Iterator[str]:
    for line in block.splitlines():
        if line.startswith("$ "):
            yield f"{line}\n"
            done = subprocess.run(
                ["bash", "-c", line.removeprefix("$ ")],
                cwd=where,
                env={**os.environ, "COLUMNS": "100"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            yield done.stdout.decode().replace(os.fspath(where), "/home/kim/repository")
