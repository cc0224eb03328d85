"""The format of weights, told from file names: nothing is opened, and nothing is ever unpickled."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

_FORMATS = {
    ".safetensors": "safetensors",
    ".onnx": "onnx",
    ".gguf": "gguf",
    ".ggml": "ggml",
    ".pt": "pytorch",
    ".pth": "pytorch",
    ".ckpt": "checkpoint",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".keras": "keras",
    ".tflite": "tflite",
    ".pb": "savedmodel",
    ".npz": "numpy",
    ".npy": "numpy",
    ".msgpack": "msgpack",
    ".joblib": "joblib",
    ".pkl": "pickle",
    ".pickle": "pickle",
    ".bst": "xgboost",
    ".ubj": "xgboost",
    ".cbm": "catboost",
    ".mlmodel": "coreml",
}


def detect_format(names: Iterable[str]) -> str | None:
    """The one format the names' suffixes agree on; None where they tell none, or several."""
    suffixes = {posixpath.splitext(name)[1] for name in names}
    found = {_FORMATS[suffix.lower()] for suffix in suffixes if suffix.lower() in _FORMATS}
    return found.pop() if len(found) == 1 else None
