"""Which reader a file of weights is for."""

from __future__ import annotations

import importlib
import posixpath
from collections.abc import Callable

from mlver.content.tensors.tensor import ByteSource, TensorFault, TensorFile
from mlver.errors import MlverError, printable_name

Reader = Callable[[ByteSource], TensorFile]
# The module here that reads files with this suffix, and its function.
_READERS = {
    ".safetensors": ("safetensors", "read_safetensors"),
}


def has_tensors(name: str) -> bool:
    """Whether a file is called as one is whose tensors can be read."""
    return posixpath.splitext(name)[1].lower() in _READERS


def read_tensors(source: ByteSource, name: str) -> TensorFile:
    """Read which tensors a file has.

    Raise MlverError, which names the file, where it is damaged, hostile, or of another format.
    """
    suffix = posixpath.splitext(name)[1].lower()
    shown = printable_name(name)
    if suffix not in _READERS:
        raise MlverError(f"{shown} is of no format whose tensors mlver can read")
    module, function = _READERS[suffix]
    # Only one of them is ever needed, and some of them load what is large.
    reader: Reader = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    try:
        return reader(source)
    except TensorFault as fault:
        raise MlverError(
            f"{shown} cannot be read as {module}: {printable_name(str(fault))}"
        ) from None
