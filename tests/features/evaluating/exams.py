"""A data set that the settings pin, and a script that measures versions on it."""

from __future__ import annotations

import sys

from mlver.digest import Digest
from mlver.records import layout
from tests.conftest import Repository

PYTHON = sys.executable
GOLDEN = "data/golden.csv"
ROWS = "text,label\ngood,1\nbad,0\nfine,1\n"
# Accuracy depends on the weights: the number of the run that is written in them.
EVALUATE = """\
import json, os, pathlib, re
weights = pathlib.Path(os.environ["MLVER_WEIGHTS"])
text = (weights / "weights.safetensors").read_text()
rows = pathlib.Path(os.environ["MLVER_DATA_GOLDEN"]).read_text().splitlines()[1:]
run = int(re.match(r"weights of run (\\d+)", text)[1])
scores = [int(number <= run) for number in range(len(rows))]
pathlib.Path(os.environ["MLVER_SAMPLES"]).write_text("".join(f"{score}\\n" for score in scores))
metrics = {"accuracy": sum(scores) / len(scores), "count": len(scores)}
pathlib.Path(os.environ["MLVER_METRICS"]).write_text(json.dumps(metrics))
"""


def pin_exam(repository: Repository, rows: str = ROWS, name: str = "golden") -> Digest:
    """Pin a data set, which git does not have, and commit a script that measures on it."""
    repository.write(GOLDEN, rows)
    digest = Digest.of_bytes(rows.encode())
    path = repository.path / layout.CONFIG
    before, _, _ = path.read_text().partition("\ndatasets:")
    pin = f'\ndatasets:\n  {name}: {{path: {GOLDEN}, digest: "{digest}"}}\n'
    path.write_text(before.rstrip("\n") + "\n" + pin)
    repository.write("evaluate.py", EVALUATE)
    repository.commit(f"Pin {name}")
    return digest
