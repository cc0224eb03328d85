"""What is kept of tensors: their digests, a few of their elements, and what their values are like.

Digests and samples need nothing but Python. Where numpy is not installed, there is no summary.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from mlver.content.tensors import elements
from mlver.content.tensors.tensor import Tensor
from mlver.records.tensors import KeptTensor, TensorSummary
from mlver.system.parallel import count_cores

BLOCK_BYTES = 1 << 20
# More do not help: all of them wait for memory.
_MOST_THREADS = 4
Progress = Callable[[int], None]


def can_summarise() -> bool:
    """Whether what reckons with many values is installed."""
    return all(importlib.util.find_spec(name) for name in ("numpy", "ml_dtypes"))


def digest_tensors(
    tensors: Iterable[Tensor], progress: Progress, *, summarise: bool
) -> tuple[KeptTensor, ...]:
    """Read all bytes of these tensors; raise TensorFault where a file ends before them.

    `progress` is called by this thread alone.
    """

    def digest_one(tensor: Tensor) -> tuple[KeptTensor, int]:
        return digest_tensor(tensor, summarise=summarise), tensor.content.size

    kept_tensors: list[KeptTensor] = []
    # hashlib and numpy let other threads run while they work.
    with ThreadPoolExecutor(min(count_cores(), _MOST_THREADS)) as pool:
        for kept, size in pool.map(digest_one, tensors):
            kept_tensors.append(kept)
            progress(size)
    return tuple(kept_tensors)


def digest_tensor(tensor: Tensor, *, summarise: bool = False) -> KeptTensor:
    """Read all bytes of a tensor; raise TensorFault where its file ends before."""
    hasher = hashlib.sha256()
    sampler = _Sampler(tensor.dtype)
    takers: list[_BlockTaker] = [hasher, sampler]
    summariser = None
    if summarise and elements.has_values(tensor.dtype):
        summariser = _Summariser(tensor.dtype)
        takers.append(summariser)
    buffer = memoryview(bytearray(min(BLOCK_BYTES, max(tensor.content.size, 1))))
    for block in tensor.content.read_blocks(buffer):
        for taker in takers:
            taker.update(block)
    return KeptTensor(
        name=tensor.name,
        dtype=tensor.dtype,
        shape=tensor.shape,
        digest=hasher.hexdigest(),
        strides=tensor.strides,
        sample=bytes(sampler.sample),
        summary=None if summariser is None else summariser.build_summary(),
    )


class _BlockTaker(Protocol):
    def update(self, block: memoryview, /) -> None: ...


class _Sampler:
    """Takes the elements at 0, 1, 2, 4, 8 and so on.

    Those of a tensor that grew at its end are the same, and some more.
    """

    def __init__(self, dtype: str) -> None:
        self.sample = bytearray()
        self._width = elements.find_element_bytes(dtype) or 0
        self._next = 0
        self._begin = 0

    def update(self, block: memoryview, /) -> None:
        end = self._begin + len(block)
        while self._width and self._next * self._width + self._width <= end:
            offset = self._next * self._width - self._begin
            self.sample += block[offset : offset + self._width]
            self._next = 2 * self._next or 1
        self._begin = end


class _Summariser:
    """Sums up blocks of values, in double precision."""

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        self._squares = 0.0
        self._largest = 0.0
        self._nans = 0
        self._infinities = 0

    def update(self, block: memoryview, /) -> None:
        if not len(block):
            return
        numpy: Any = elements.load_numpy()
        # numpy warns of some NaN when it converts them; they are counted, so nobody need be warned.
        with numpy.errstate(all="ignore"):
            self._add_values(numpy, elements.widen_block(block, self._dtype).astype("f8"))

    def _add_values(self, numpy: Any, doubles: Any) -> None:
        squares = elements.sum_squares(doubles)
        if not math.isfinite(squares):
            self._nans += int(numpy.count_nonzero(numpy.isnan(doubles)))
            self._infinities += int(numpy.count_nonzero(numpy.isinf(doubles)))
            doubles = doubles[numpy.isfinite(doubles)]
            squares = elements.sum_squares(doubles)
        if len(doubles):
            largest = max(float(doubles.max()), -float(doubles.min()))
            self._largest = max(self._largest, largest)
        self._squares += squares

    def build_summary(self) -> TensorSummary | None:
        # Squares of numbers that are near the limits of double precision have no sum.
        if not math.isfinite(self._squares):
            return None
        norm = math.sqrt(self._squares)
        return TensorSummary(
            _round_digits(norm), _round_digits(self._largest), self._nans, self._infinities
        )


def _round_digits(value: float) -> float:
    return float(f"{value:.6g}")
