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
    """The one format the names' suffixes agree on; None where they name none, or several."""
    formats = set()
    for name in names:
        suffix = posixpath.splitext(name)[1].lower()
        if suffix in _FORMATS:
            formats.add(_FORMATS[suffix])
    if len(formats) != 1:
        return None
    return formats.pop()
