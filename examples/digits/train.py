"""Train the digit classifier that params.yaml describes; write model/ and metrics.json.

The same parameters, data and package versions give the same weights.
"""

from __future__ import annotations

import json
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier

import dataset
from network import Network

SCALE = 16.0


def fit(params: dict[str, Any], images: NDArray[np.float32], labels: NDArray[np.int64]) -> Network:
    classifier = MLPClassifier(
        hidden_layer_sizes=(params["hidden_width"],),
        learning_rate_init=params["learning_rate"],
        batch_size=params["batch_size"],
        max_iter=params["epochs"],
        random_state=params["seed"],
    )
    with warnings.catch_warnings():
        # The number of epochs is ours to choose: stopping there is no fault.
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier.fit(images / SCALE, labels)
    return Network(
        weights=[weight.astype(np.float32) for weight in classifier.coefs_],
        biases=[bias.astype(np.float32) for bias in classifier.intercepts_],
        scale=SCALE,
    )


def measure(
    network: Network, images: NDArray[np.float32], labels: NDArray[np.int64]
) -> dict[str, float]:
    """Only finite numbers, on data the model has not seen. All but the latency are the same on
    every run.
    """
    answers = network.probabilities(images).astype(np.float64)
    answers /= answers.sum(axis=1, keepdims=True)  # rounding to 32 bits left them a little off one
    return {
        "accuracy": round(float(accuracy_score(labels, answers.argmax(axis=1))), 4),
        "log_loss": round(float(log_loss(labels, answers, labels=range(10))), 4),
        "latency_ms": round(latency(network, images) * 1000, 3),
    }


def latency(network: Network, images: NDArray[np.float32]) -> float:
    """Seconds for the whole of `images`: the median of many tries, because one try measures the
    machine's mood.
    """
    seconds = []
    for _ in range(50):
        start = time.perf_counter()
        network.probabilities(images)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def main() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    dataset.prepare()
    network = fit(params, *dataset.read(dataset.TRAIN))
    network.save(Path("model"))
    metrics = measure(network, *dataset.read(dataset.GOLDEN))
    Path("metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    print("trained a hidden layer of", params["hidden_width"], "→", json.dumps(metrics))


if __name__ == "__main__":
    main()
