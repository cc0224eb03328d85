"""Files that others wrote: every tensor of real models is found, and no byte is left over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlver.content.tensors.digesting import digest_tensors
from mlver.content.tensors.files import read_tensors
from mlver.content.tensors.sources import DescriptorSource
from mlver.content.tensors.tensor import ByteSpan, TensorFile
from mlver.records.tensors import count_values
from mlver.system.parallel import ignore_progress
from tests.content.tensors.models import MINILM, find_model


@contextmanager
def reading_file(path: Path) -> Iterator[TensorFile]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield read_tensors(DescriptorSource.of_descriptor(descriptor), path.name)
    finally:
        os.close(descriptor)


# Of each file how many tensors it has, and how many values. `torch`, `onnx` and `safetensors` say
# the same of them.
FILES = {
    MINILM: (104, 22_713_728),
    "resemblyzer/pretrained.pt": (48, 4_270_854),
    "lpips/weights/v0.0/vgg.pth": (5, 1_472),
    "lpips/weights/v0.1/squeeze.pth": (7, 2_240),
    "silero_vad/data/silero_vad.jit": (32, 545_282),
    "silero_vad/data/silero_vad_16k.safetensors": (15, 309_633),
    "silero_vad/data/silero_vad_16k_sequence.onnx": (44, 309_665),
    "silero_vad/data/silero_vad.onnx": (345, 0),
}


@pytest.mark.parametrize("path", FILES)
def test_real_files_are_read(path: str) -> None:
    with reading_file(find_model(path)) as found:
        kept = digest_tensors(found.tensors, ignore_progress, summarise=True)
    count, values = FILES[path]
    assert len(kept) == count
    assert values in (0, count_values(kept))
    for tensor in kept:
        assert tensor.summary is not None
        assert (tensor.summary.nans, tensor.summary.infinities) == (0, 0)


def test_the_same_filters_are_the_same_in_every_format() -> None:
    """Silero is published in three formats; the filters of its first layer are never converted."""
    digests: list[set[str]] = []
    for name in ("silero_vad_16k.safetensors", "silero_vad.onnx", "silero_vad.jit"):
        with reading_file(find_model(f"silero_vad/data/{name}")) as found:
            kept = digest_tensors(found.tensors, ignore_progress, summarise=False)
        digests.append({tensor.digest for tensor in kept if tensor.shape == (258, 1, 256)})
    assert digests[0]
    assert digests[0] == digests[1] == digests[2]


def test_legacy_files_are_read_to_their_last_byte() -> None:
    path = find_model("resemblyzer/pretrained.pt")
    with reading_file(path) as found:
        ends = []
        for tensor in found.tensors:
            assert isinstance(tensor.content, ByteSpan)
            ends.append(tensor.content.offset + tensor.content.size)
    assert max(ends) == path.stat().st_size
    assert found.imports == (
        "collections.OrderedDict",
        "torch._utils._rebuild_tensor_v2",
        "torch.FloatStorage",
    )
