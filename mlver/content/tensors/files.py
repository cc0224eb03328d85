"""Which reader a file of weights is for."""

from __future__ import annotations

import importlib
import posixpath
import re
from collections.abc import Callable
from functools import partial

from mlver.content.tensors.tensor import (
    ByteSource,
    OpenBeside,
    TensorFault,
    TensorFile,
    UnknownContent,
)
from mlver.errors import MlverError, printable_name

Reader = Callable[[ByteSource], TensorFile]
# The module here that reads files with this suffix, and its function.
_READERS = {
    ".safetensors": ("safetensors", "read_safetensors"),
    ".npy": ("numpy_files", "read_npy"),
    ".npz": ("numpy_files", "read_npz"),
    ".onnx": ("onnx", "read_onnx"),
    ".pt": ("pytorch", "read_pytorch"),
    ".pth": ("pytorch", "read_pytorch"),
    ".ckpt": ("pytorch", "read_pytorch"),
    ".jit": ("pytorch", "read_pytorch"),
    ".bin": ("pytorch", "read_pytorch"),
    ".gguf": ("gguf", "read_gguf"),
    ".h5": ("keras", "read_hdf5"),
    ".hdf5": ("keras", "read_hdf5"),
    ".keras": ("keras", "read_keras"),
    ".index": ("bundles", "read_bundle"),
}
# Anything may be called like that; these are PyTorch's, and TensorFlow's.
_RESERVED = {
    ".bin": re.compile(r"(diffusion_)?(pytorch|adapter)_model.*\.bin", re.IGNORECASE),
    ".index": re.compile(r"variables\.index|.*ckpt.*\.index", re.IGNORECASE),
}
_ANY_NAME = re.compile(
    rb"(?:%b)$" % b"|".join(re.escape(suffix.encode()) for suffix in _READERS),
    re.IGNORECASE | re.MULTILINE,
)
# Their tensors may lie in files beside them.
_WITH_OTHERS = frozenset({".onnx", ".index"})
# They find these by their own names.
_NAMED = frozenset({".index"})


class DamagedTensors(MlverError):
    """A file is not what its name says; `reason` is what is wrong with it."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def has_tensors(name: str) -> bool:
    """Whether a file is called as one is whose tensors can be read."""
    return _find_suffix(name) is not None


def _find_suffix(name: str) -> str | None:
    base = posixpath.basename(name)
    suffix = posixpath.splitext(base)[1].lower()
    if suffix not in _READERS:
        return None
    reserved = _RESERVED.get(suffix)
    return suffix if reserved is None or reserved.fullmatch(base) else None


def keeps_others(name: str) -> bool:
    """Whether tensors of a file may lie in others beside it."""
    return _find_suffix(name) in _WITH_OTHERS


def may_have_tensors(manifest: bytes) -> bool:
    """Whether a manifest names any file that is called as one with tensors.

    It may say so of more files than there are, and no file by itself is looked at.
    """
    return _ANY_NAME.search(manifest) is not None


def open_nothing(_: str) -> None:
    """Open nothing, for a file that stands alone."""


def read_tensors(
    source: ByteSource, name: str, open_beside: OpenBeside = open_nothing
) -> TensorFile:
    """Read which tensors a file has.

    `open_beside` opens files of the same folder, in which some formats keep bytes. Raise
    DamagedTensors, which names the file, where it is damaged, hostile, or of another format, and
    another MlverError where that cannot be told here.
    """
    suffix = _find_suffix(name)
    shown = printable_name(name)
    if suffix is None:
        raise MlverError(f"{shown} is of no format whose tensors mlver can read")
    module, function = _READERS[suffix]
    # Only one of them is ever needed, and some of them load what is large.
    function_of_module = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    options: dict[str, object] = {}
    if suffix in _WITH_OTHERS:
        options["open_beside"] = open_beside
    if suffix in _NAMED:
        options["name"] = posixpath.basename(name)
    reader: Reader = partial(function_of_module, **options)
    try:
        return reader(source)
    except TensorFault as fault:
        reason = printable_name(str(fault))
        message = f"{shown} cannot be read as {suffix[1:]}: {reason}"
        if isinstance(fault, UnknownContent):
            raise MlverError(message) from None
        raise DamagedTensors(message, reason) from None
