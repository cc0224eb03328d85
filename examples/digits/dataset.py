"""The data as files: scikit-learn's 1,797 scanned digits, 8 × 8 pixels of 0 to 16, a row of CSV
each.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

TRAIN = Path("data/train")  # a directory: one file a digit
GOLDEN = Path("data/golden.csv")  # a file: what every version is measured on


def prepare() -> None:
    """Write the split as files, once: from then on the files are the data set."""
    if TRAIN.exists() and GOLDEN.exists():
        return
    images, labels = load_digits(return_X_y=True)
    rows = np.column_stack([labels, images]).astype(np.int64)
    train, golden = train_test_split(rows, test_size=0.25, random_state=0, stratify=labels)
    TRAIN.mkdir(parents=True, exist_ok=True)
    for digit in range(10):
        _write(TRAIN / f"digit-{digit}.csv", train[train[:, 0] == digit])
    _write(GOLDEN, golden)


def read(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The images (n × 64) and labels (n) of one file, or of all the files of a directory."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    rows = np.concatenate(
        [np.loadtxt(file, delimiter=",", skiprows=1, dtype=np.int64) for file in files]
    )
    return rows[:, 1:].astype(np.float32), rows[:, 0]


def _write(path: Path, rows: NDArray[np.int64]) -> None:
    header = ",".join(["label", *(f"p{i}" for i in range(64))])
    np.savetxt(path, rows, fmt="%d", delimiter=",", header=header, comments="")
