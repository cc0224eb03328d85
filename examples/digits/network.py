"""The model as files, and what it answers: the weights as safetensors, the rest as JSON. Nothing is
pickled.

`model/weights.safetensors` holds, for each layer i, `layer.<i>.weight` (inputs × outputs) and
`layer.<i>.bias`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Network:
    """A multi-layer perceptron: rectified layers, then a softmax over the ten digits."""

    weights: list[Array]
    biases: list[Array]
    scale: float  # what the brightest pixel is divided by

    def probabilities(self, images: Array) -> Array:
        """`images`: n × 64 pixels, 0 to `scale`. Returns n × 10."""
        layer = images / np.float32(self.scale)
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            layer = np.maximum(layer @ weight + bias, 0)
        scores = layer @ self.weights[-1] + self.biases[-1]
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        tensors = {}
        for i, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            tensors[f"layer.{i}.weight"] = np.ascontiguousarray(weight)
            tensors[f"layer.{i}.bias"] = bias
        save_file(tensors, directory / "weights.safetensors")
        config = {
            "layers": [*(len(weight) for weight in self.weights), len(self.biases[-1])],
            "scale": self.scale,
        }
        (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")

    @classmethod
    def load(cls, directory: Path) -> Network:
        tensors = load_file(directory / "weights.safetensors")
        config = json.loads((directory / "config.json").read_text())
        layers = range(len(config["layers"]) - 1)
        return cls(
            weights=[tensors[f"layer.{i}.weight"] for i in layers],
            biases=[tensors[f"layer.{i}.bias"] for i in layers],
            scale=config["scale"],
        )
