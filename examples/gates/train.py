"""Train a sentiment classifier on some kinds of sentences: python train.py tweets reviews

It writes `model/`: the words with their weights, and nothing that has to be unpickled.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

C = 8.0


def main() -> None:
    kinds = sys.argv[1:]
    rows = [
        line.split("\t", 1)
        for kind in kinds
        for line in Path("data/learn", f"{kind}.tsv").read_text(encoding="utf-8").splitlines()
    ]
    labels = [int(label) for label, _ in rows]
    sentences = [sentence for _, sentence in rows]
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    features = vectorizer.fit_transform(sentences)
    head = LogisticRegression(C=C, max_iter=500, class_weight="balanced").fit(features, labels)
    model = Path("model")
    model.mkdir(exist_ok=True)
    words = sorted(vectorizer.vocabulary_, key=vectorizer.vocabulary_.__getitem__)
    (model / "words.json").write_text(json.dumps(words), encoding="utf-8")
    np.save(model / "idf.npy", vectorizer.idf_, allow_pickle=False)
    np.save(model / "head.npy", np.append(head.coef_[0], head.intercept_), allow_pickle=False)
    Path("params.yaml").write_text(f"C: {C}\nkinds: {json.dumps(kinds)}\n", encoding="utf-8")
    metrics = {"train_accuracy": round(float(head.score(features, labels)), 4)}
    Path("metrics.json").write_text(json.dumps(metrics), encoding="utf-8")


if __name__ == "__main__":
    main()
