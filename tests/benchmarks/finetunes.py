"""Fine-tunes of a real model: what the store takes for them once gc has run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import material
from tests.benchmarks.checkpoints import count_stored
from tests.benchmarks.harness import CHECKOUT, Bench, Row
from tests.benchmarks.workload import MIB, register, workload
from tests.content.tensors.models import MINILM
from tests.servers.install import install_programs

_SCRIPT = Path(__file__).with_name("finetuning.py")
_KINDS = {
    "head": "the pooler trained",
    "lora": "LoRA of rank 8 merged",
    "all": "all layers trained",
}
# After so many steps each, and so often.
_STEPS, _CHECKPOINTS = 20, 3


@workload("finetunes")
def finetunes(bench: Bench) -> Iterator[Row]:
    """MiniLM (90.9 MB), as published and after 20, 40 and 60 steps, trained in three ways."""
    published = install_programs("data", "models") / MINILM
    program = bench.environment("finetuning", "finetuning") / "python"
    with bench.scratch() as directory:
        text = directory / "sentences.txt"
        pages = sorted((CHECKOUT / "docs").rglob("*.md"))
        text.write_text("".join(page.read_text() for page in pages))
        steps = 1 if bench.quick else _STEPS
        for kind, described in _KINDS.items():
            targets = [directory / f"{kind}-{number}" for number in range(_CHECKPOINTS)]
            argv: list[str | Path] = [program, _SCRIPT, published.parent, text, kind, str(steps)]
            bench.run([*argv, *targets], directory)
            yield _measure(bench, directory / kind, [published, *targets], described)


def _measure(bench: Bench, folder: Path, checkpoints: list[Path], kind: str) -> Row:
    top = material.project(bench, folder)
    weights = top / "weights.safetensors"
    for number, checkpoint in enumerate(checkpoints):
        shutil.copyfile(checkpoint, weights)
        words = ["--bump", "minor"] if number else []
        bench.run([*register(bench, weights.name), *words], top)
    environment = {**os.environ, **bench.env, "PYTHONPATH": os.fspath(CHECKOUT)}
    bench.run([sys.executable, "-m", "mlver", "gc", "--yes"], top, env=environment)
    stored, whole = count_stored(top), weights.stat().st_size
    name = f"MiniLM and {_CHECKPOINTS} checkpoints, {kind}"
    theirs = f"{len(checkpoints)} files"
    return Row(
        name, f"{stored / MIB:,.1f} MiB", "each whole", theirs, f"{stored / whole:.2f} files"
    )
