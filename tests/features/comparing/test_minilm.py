"""A real model changed in ten ways: each is named, with its bytes and without them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy
import pytest

from mlver.content.tensors.elements import find_numpy_type
from mlver.content.tensors.files import read_tensors
from mlver.content.tensors.sources import DescriptorSource
from tests.cli.results import read_document
from tests.conftest import Repository
from tests.content.tensors.makers import Array, draw_values, make_safetensors
from tests.content.tensors.models import MINILM, find_model
from tests.content.tensors.test_safetensors import read_content

Tensors = dict[str, Array]
_WORDS = "embeddings.word_embeddings.weight"


def load_model(path: Path) -> Tensors:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        found = read_tensors(DescriptorSource.of_descriptor(descriptor), path.name)
        tensors: Tensors = {}
        for tensor in found.tensors:
            values = numpy.frombuffer(read_content(tensor, 1 << 20), find_numpy_type(tensor.dtype))
            tensors[tensor.name] = values.reshape(tensor.shape)
        return tensors
    finally:
        os.close(descriptor)


def nudge(array: Array) -> Array:
    if array.dtype != numpy.float32:
        return array
    # The same noise for all: what it is does not matter.
    noise = numpy.resize(draw_values(4099, scale=1e-4), array.shape)
    nudged: Array = array + noise
    return nudged


def nudge_all(model: Tensors) -> Tensors:
    return {name: nudge(array) for name, array in model.items()}


def nudge_head(model: Tensors) -> Tensors:
    return {name: nudge(a) if name.startswith("pooler") else a for name, a in model.items()}


def add_lora(model: Tensors) -> Tensors:
    added: Tensors = {}
    for layer in range(6):
        for name in ("query", "value"):
            prefix = f"encoder.layer.{layer}.attention.self.{name}"
            added[f"{prefix}.lora_A.weight"] = draw_values(8, 384)
            added[f"{prefix}.lora_B.weight"] = draw_values(384, 8)
    return model | added


def break_lora(model: Tensors) -> Tensors:
    name = "encoder.layer.4.attention.self.query.lora_A.weight"
    broken = model[name].copy()
    broken[3, 300] = numpy.nan
    return model | {name: broken}


def cast_down(model: Tensors) -> Tensors:
    half = ml_dtypes.bfloat16
    return {name: a.astype(half) if a.dtype.kind == "f" else a for name, a in model.items()}


def rename(model: Tensors) -> Tensors:
    return {f"bert.{name}": array for name, array in model.items()}


def grow(model: Tensors) -> Tensors:
    return model | {_WORDS: numpy.concatenate([model[_WORDS], draw_values(78, 384)])}


def break_values(model: Tensors) -> Tensors:
    name = "encoder.layer.3.output.dense.weight"
    broken = model[name].copy()
    broken[5, 7:10] = numpy.nan
    return model | {name: broken}


def save_again(model: Tensors) -> Tensors:
    return dict(reversed(model.items()))


CHANGES: dict[str, tuple[Callable[[Tensors], Tensors], str]] = {
    "all layers": (nudge_all, "103 of 104 tensors changed, all layers, small"),
    "head": (nudge_head, "2 of 104 tensors changed, head only (pooler)"),
    "LoRA": (add_lora, "LoRA adapters added: 24 tensors, nothing else changed"),
    "bf16": (cast_down, "cast F32 → BF16, no other change"),
    "renamed": (rename, "renamed: 104 of 104 tensors, 'bert.' put before, every value as it was"),
    "vocabulary": (
        grow,
        f"vocabulary grown: 30,522 → 30,600 rows in {_WORDS}, the others as before",
    ),
    "NaN": (break_values, "3 NaN in 1 tensor: encoder.layer.3.output.dense.weight"),
    "saved again": (save_again, "saved again: every tensor is as it was"),
    "head, bf16": (
        lambda model: cast_down(nudge_head(model)),
        "cast F32 → BF16, and the values of 2 tensors changed beyond rounding",
    ),
    "NaN in LoRA": (
        lambda model: break_lora(add_lora(model)),
        "1 NaN in 1 tensor: encoder.layer.4.attention.self.query.lora_A.weight",
    ),
}

# Where the bytes are gone, these rest on a few values of each tensor, and say so.
GUESSED = {"all layers", "bf16", "head, bf16", "vocabulary"}
NEARLY = " (as far as a few values tell)"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """MiniLM as it was published, as version 1.0.0, and a version for each change."""
    model = load_model(find_model(MINILM))
    made = Repository(tmp_path_factory.mktemp("minilm") / "repository")
    made.path.mkdir()
    made.git("init", "--quiet")
    made.write(".gitignore", "*.safetensors\n")
    made.commit("First")
    assert made.mlver("init").code == 0
    versions = {"published": (dict, ""), **CHANGES}
    for number, (change, _) in enumerate(versions.values()):
        made.write("m.safetensors", make_safetensors(change(model), {"number": str(number)}))
        words = ("--version", f"1.{number}.0", "--weights", "m.safetensors", "-m", "Why")
        done = made.mlver("register", "minilm", *words)
        assert done.code == 0, done.err
    return made


def describe_all(repository: Repository) -> dict[str, Any]:
    """The sentence of each change, and the sides whose bytes were not there."""
    found: dict[str, Any] = {}
    for number, name in enumerate(CHANGES, 1):
        words = ("minilm@1.0.0", f"1.{number}.0", "--weights", "--json")
        document = read_document(repository.mlver("diff", *words), "weights")
        found[name] = document["sentence"], len(document["kept"])
    return found


def test_each_change_is_named_with_and_without_the_bytes(trained: Repository) -> None:
    assert describe_all(trained) == {name: (text, 0) for name, (_, text) in CHANGES.items()}
    for path in (".git/mlver/objects", ".git/mlver/packs"):
        shutil.rmtree(trained.path / path, ignore_errors=True)
    (trained.path / "m.safetensors").unlink()
    assert describe_all(trained) == {
        name: (text + (NEARLY if name in GUESSED else ""), 2) for name, (_, text) in CHANGES.items()
    }
