"""Measure a version on a data set, as `mlver evaluate` says: python evaluate.py WEIGHTS DATA"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer


def main() -> None:
    weights, data = map(Path, sys.argv[1:3])
    words = json.loads((weights / "words.json").read_text(encoding="utf-8"))
    head = np.load(weights / "head.npy", allow_pickle=False)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, vocabulary=words)
    vectorizer.idf_ = np.load(weights / "idf.npy", allow_pickle=False)
    rows = [line.split("\t", 1) for line in data.read_text(encoding="utf-8").splitlines()]
    scores = vectorizer.transform([sentence for _, sentence in rows]) @ head[:-1] + head[-1]
    answers = (scores > 0).astype(int)
    right = answers == np.array([int(label) for label, _ in rows])
    pairs = zip(right.astype(int), answers, strict=True)
    samples = "".join(f"{score}\t{answer}\n" for score, answer in pairs)
    Path(os.environ["MLVER_SAMPLES"]).write_text(samples)
    metrics = {"accuracy": round(float(right.mean()), 4), "count": len(rows)}
    Path(os.environ["MLVER_METRICS"]).write_text(json.dumps(metrics))


if __name__ == "__main__":
    main()
