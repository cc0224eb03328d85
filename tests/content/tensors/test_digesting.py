"""What is kept of a tensor: its digest, a few elements, and what its values are like."""

from __future__ import annotations

import hashlib
import math
import threading
from typing import Any

import ml_dtypes
import numpy
import pytest

from mlver.content.tensors import digesting
from mlver.content.tensors.digesting import digest_tensor, digest_tensors
from mlver.content.tensors.elements import read_sample
from mlver.content.tensors.sources import BytesSource
from mlver.content.tensors.tensor import ByteSpan, Tensor, TensorFault
from mlver.records.tensors import TensorSummary
from mlver.system.parallel import ignore_progress
from tests.content.tensors.makers import Array, draw_values, name_dtype


def make_tensor(array: Array, name: str = "a") -> Tensor:
    """A tensor in memory."""
    data = array.tobytes()
    content = ByteSpan(BytesSource(data), 0, len(data))
    return Tensor(name=name, dtype=name_dtype(array), shape=array.shape, content=content)


def test_the_digest_is_of_the_bytes_and_the_sample_of_every_power_of_two(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # So that a tensor has many blocks.
    monkeypatch.setattr(digesting, "BLOCK_BYTES", 64)
    array = draw_values(25, 4)
    kept = digest_tensor(make_tensor(array))
    assert kept.digest == hashlib.sha256(array.tobytes()).hexdigest()
    places = [0, 1, 2, 4, 8, 16, 32, 64]
    assert read_sample(kept.sample, "F32") == array.reshape(-1)[places].tolist()
    assert kept.summary is None
    longer = digest_tensor(make_tensor(numpy.concatenate([array, array])))
    assert longer.sample[:-4] == kept.sample


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2", "i1", "u2", "i8", ml_dtypes.bfloat16])
def test_the_summary_is_that_of_all_values(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digesting, "BLOCK_BYTES", 64)
    array = (10 * draw_values(77)).astype(dtype)
    summary = digest_tensor(make_tensor(array), summarise=True).summary
    assert summary is not None
    doubles = array.astype("f8")
    assert summary.norm == pytest.approx(math.sqrt(float((doubles**2).sum())), rel=1e-5)
    assert summary.largest == pytest.approx(float(abs(doubles).max()), rel=1e-5)
    assert (summary.nans, summary.infinities) == (0, 0)


def test_what_is_no_number_is_counted() -> None:
    array = numpy.array([3, numpy.nan, -numpy.inf, numpy.inf, -4], "f4")
    summary = digest_tensor(make_tensor(array), summarise=True).summary
    assert summary == TensorSummary(norm=5.0, largest=4.0, nans=1, infinities=2)


def test_nan_of_any_bits_is_counted_in_silence() -> None:
    signalling = numpy.full(8, 0x7FA00001, "<u4").view("<f4")
    summary = digest_tensor(make_tensor(signalling), summarise=True).summary
    assert summary == TensorSummary(0.0, 0.0, 8, 0)


def test_many_tensors_keep_their_order() -> None:
    tensors = [make_tensor(draw_values(7, seed=seed), str(seed)) for seed in range(40)]
    done: list[int] = []
    kept = digest_tensors(tensors, done.append, summarise=True)
    assert [tensor.name for tensor in kept] == [str(seed) for seed in range(40)]
    assert sum(done) == 40 * 28
    assert kept[3] == digest_tensor(tensors[3], summarise=True)


def test_progress_is_told_by_the_thread_that_asked() -> None:
    tensors = [make_tensor(draw_values(7, seed=seed), str(seed)) for seed in range(40)]
    threads: set[int] = set()
    digest_tensors(tensors, lambda _: threads.add(threading.get_ident()), summarise=False)
    assert threads == {threading.get_ident()}


def test_a_file_that_ends_too_soon_is_refused() -> None:
    short = Tensor(name="a", dtype="U8", shape=(9,), content=ByteSpan(BytesSource(b"1234"), 0, 9))
    with pytest.raises(TensorFault, match="ends before"):
        digest_tensors([short], ignore_progress, summarise=False)


def test_a_tensor_without_elements_has_a_digest_and_no_sample() -> None:
    kept = digest_tensor(make_tensor(numpy.zeros((0, 3), "f4")), summarise=True)
    assert (kept.digest, kept.sample) == (hashlib.sha256().hexdigest(), b"")
    assert kept.summary == TensorSummary(0.0, 0.0, 0, 0)
