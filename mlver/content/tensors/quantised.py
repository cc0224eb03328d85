"""Blocks of quantised values, as GGUF has them: how large each is, and what numbers it stands for.

The numbers come from the package `gguf`, where that is installed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlver.extras import import_extra

if TYPE_CHECKING:
    import numpy

EXTRA = "gguf"
# Of each type of blocks, how many values one has, and how many bytes.
BLOCKS: Mapping[str, tuple[int, int]] = {
    "Q4_0": (32, 18),
    "Q4_1": (32, 20),
    "Q5_0": (32, 22),
    "Q5_1": (32, 24),
    "Q8_0": (32, 34),
    "Q8_1": (32, 36),
    "Q2_K": (256, 84),
    "Q3_K": (256, 110),
    "Q4_K": (256, 144),
    "Q5_K": (256, 176),
    "Q6_K": (256, 210),
    "Q8_K": (256, 292),
    "IQ2_XXS": (256, 66),
    "IQ2_XS": (256, 74),
    "IQ3_XXS": (256, 98),
    "IQ1_S": (256, 50),
    "IQ4_NL": (32, 18),
    "IQ3_S": (256, 110),
    "IQ2_S": (256, 82),
    "IQ4_XS": (256, 136),
    "IQ1_M": (256, 56),
    "TQ1_0": (256, 54),
    "TQ2_0": (256, 66),
    "MXFP4": (32, 17),
}
# These are for sums on the way, and in no file that anybody publishes.
_WITHOUT_VALUES = frozenset({"Q8_1", "Q8_K"})


def can_dequantise(dtype: str) -> bool:
    """Whether something here says which numbers blocks of a type stand for."""
    if dtype not in BLOCKS or dtype in _WITHOUT_VALUES:
        return False
    return importlib.util.find_spec(EXTRA) is not None


def dequantise_blocks(data: memoryview | bytes, dtype: str) -> numpy.ndarray[Any, Any]:
    """The values of whole blocks, in single precision.

    Raise MlverError where `gguf` is not installed.
    """
    library = import_extra("numpy", EXTRA)
    kinds = import_extra("gguf.constants", EXTRA).GGMLQuantizationType
    dequantise = import_extra("gguf.quants", EXTRA).dequantize
    _, size = BLOCKS[dtype]
    blocks = library.frombuffer(data, "u1").reshape(-1, size)
    values: numpy.ndarray[Any, Any] = dequantise(blocks, kinds[dtype]).ravel()
    return values
