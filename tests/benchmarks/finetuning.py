"""Fine-tunes MiniLM on sentences, in an environment that has jax and tokenizers.

    python finetuning.py FOLDER TEXT KIND STEPS OUT…

FOLDER has the published model, TEXT is a file of sentences, and KIND what is trained: `head` (the
pooler), `all` or `lora` (of rank 8 on queries and values, merged into the weights). After so many
STEPS each time, the weights are written to the next OUT, in safetensors. The task is that of
sentence embeddings: of each sentence, the next one has to be found among those of a batch.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

jax: Any = importlib.import_module("jax")
jnp: Any = importlib.import_module("jax.numpy")
numpy: Any = importlib.import_module("numpy")
tokenizers: Any = importlib.import_module("tokenizers")

Weights = dict[str, Any]
_BATCH, _LENGTH, _LAYERS, _HEADS, _RANK = 16, 48, 6, 12, 8
_POOLER = "pooler.dense"
# What people usually take for each.
_RATES = {"head": 1e-4, "all": 2e-5, "lora": 1e-3}


def main() -> None:
    folder, text, kind, steps, *targets = sys.argv[1:]
    header, weights = read_weights(Path(folder) / "model.safetensors")
    batches = read_batches(Path(folder) / "tokenizer.json", Path(text))
    trained, merge = prepare_training(kind, weights)
    step = jax.jit(make_step(merge, _RATES[kind]))
    state = jax.tree.map(jnp.zeros_like, (trained, trained))
    count, loss = 0, 0.0
    for target in targets:
        for _ in range(int(steps)):
            count += 1
            trained, state, loss = step(trained, state, count, *next(batches))
        write_weights(Path(target), header, merge(trained))
        sys.stdout.write(f"{kind}, {count} steps: loss {float(loss):.3f}\n")


def read_weights(path: Path) -> tuple[Mapping[str, Any], Weights]:
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    weights: Weights = {}
    for name, entry in header.items():
        begin, end = (8 + size + place for place in entry["data_offsets"])
        kind = {"F32": "<f4", "I64": "<i8"}[entry["dtype"]]
        weights[name] = numpy.frombuffer(data[begin:end], kind).reshape(entry["shape"])
    return header, weights


def write_weights(path: Path, header: Mapping[str, Any], weights: Weights) -> None:
    """Write them in the order of the published file, as frameworks do."""
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in sorted(header, key=lambda name: header[name]["data_offsets"]):
            file.write(numpy.ascontiguousarray(weights[name]).tobytes())


def read_batches(tokenizer: Path, text: Path) -> Iterator[tuple[Any, Any]]:
    """Pairs of sentences that follow each other, over and over, as ids of words."""
    words = tokenizers.Tokenizer.from_file(str(tokenizer))
    words.enable_truncation(_LENGTH)
    words.enable_padding(length=_LENGTH)
    lines = [line.strip() for line in text.read_text().splitlines()]
    lines = [line for line in lines if len(line) > 60]
    ids = numpy.array([words.encode(line).ids for line in lines])
    chance = numpy.random.default_rng(0)
    while True:
        chosen = chance.choice(len(ids) - 1, _BATCH, replace=False)
        yield ids[chosen], ids[chosen + 1]


def prepare_training(kind: str, weights: Weights) -> tuple[Weights, Callable[[Weights], Weights]]:
    """What is trained, and what makes the weights of the model of it."""
    if kind == "lora":
        return _prepare_lora(weights)
    trained = {
        name: array
        for name, array in weights.items()
        if array.dtype == numpy.float32 and (kind == "all" or name.startswith(_POOLER))
    }
    return trained, lambda now: {**weights, **now}


def _prepare_lora(weights: Weights) -> tuple[Weights, Callable[[Weights], Weights]]:
    chance = numpy.random.default_rng(1)
    trained: Weights = {}
    for layer in range(_LAYERS):
        for part in ("query", "value"):
            name = f"encoder.layer.{layer}.attention.self.{part}.weight"
            rows, columns = weights[name].shape
            down = chance.normal(size=(_RANK, columns)) / columns**0.5
            trained[name] = {
                "down": down.astype("f4"),
                "up": numpy.zeros((rows, _RANK), "f4"),
            }

    def merge(now: Weights) -> Weights:
        merged = {n: weights[n] + 2 * pair["up"] @ pair["down"] for n, pair in now.items()}
        return {**weights, **merged}

    return trained, merge


def make_step(merge: Callable[[Weights], Weights], rate: float) -> Callable[..., Any]:
    """A step of AdamW."""

    def measure_loss(trained: Weights, first: Any, second: Any) -> Any:
        weights = merge(trained)
        scores = 20 * embed(weights, first) @ embed(weights, second).T
        return -jnp.mean(jnp.diagonal(jax.nn.log_softmax(scores)))

    def step(trained: Weights, state: Any, count: Any, first: Any, second: Any) -> Any:
        loss, slopes = jax.value_and_grad(measure_loss)(trained, first, second)
        mean = jax.tree.map(lambda old, new: 0.9 * old + 0.1 * new, state[0], slopes)
        square = jax.tree.map(lambda old, new: 0.999 * old + 0.001 * new**2, state[1], slopes)

        def move(value: Any, first_moment: Any, second_moment: Any) -> Any:
            scaled = second_moment / (1 - 0.999**count)
            way = first_moment / (1 - 0.9**count) / (jnp.sqrt(scaled) + 1e-8)
            return value - rate * (way + 0.01 * value)

        return jax.tree.map(move, trained, mean, square), (mean, square), loss

    return step


def embed(weights: Weights, ids: Any) -> Any:
    """Sentences as vectors of length one: the pooler over the mean of the last layer."""
    mask = (ids != 0).astype("f4")
    prefix = "embeddings"
    hidden = jnp.asarray(weights[f"{prefix}.word_embeddings.weight"])[ids]
    hidden += weights[f"{prefix}.position_embeddings.weight"][: ids.shape[1]]
    hidden += weights[f"{prefix}.token_type_embeddings.weight"][0]
    hidden = _normalise(weights, f"{prefix}.LayerNorm", hidden)
    for layer in range(_LAYERS):
        hidden = _apply_layer(weights, f"encoder.layer.{layer}", hidden, mask)
    mean = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
    pooled = jnp.tanh(_apply_linear(weights, _POOLER, mean))
    return pooled / jnp.linalg.norm(pooled, axis=-1, keepdims=True)


def _apply_layer(weights: Weights, prefix: str, hidden: Any, mask: Any) -> Any:
    rows, length, width = hidden.shape

    def project(part: str) -> Any:
        flat = _apply_linear(weights, f"{prefix}.attention.self.{part}", hidden)
        return flat.reshape(rows, length, _HEADS, width // _HEADS)

    scores = jnp.einsum("bqhd,bkhd->bhqk", project("query"), project("key"))
    scores = scores / (width // _HEADS) ** 0.5 + (1 - mask[:, None, None, :]) * -1e9
    mixed = jnp.einsum("bhqk,bkhd->bqhd", jax.nn.softmax(scores), project("value"))
    attended = _apply_linear(
        weights, f"{prefix}.attention.output.dense", mixed.reshape(rows, length, width)
    )
    hidden = _normalise(weights, f"{prefix}.attention.output.LayerNorm", hidden + attended)
    inner = jax.nn.gelu(_apply_linear(weights, f"{prefix}.intermediate.dense", hidden))
    outer = _apply_linear(weights, f"{prefix}.output.dense", inner)
    return _normalise(weights, f"{prefix}.output.LayerNorm", hidden + outer)


def _apply_linear(weights: Weights, name: str, values: Any) -> Any:
    return values @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def _normalise(weights: Weights, name: str, values: Any) -> Any:
    centred = values - values.mean(-1, keepdims=True)
    scaled = centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
    return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]


if __name__ == "__main__":
    main()
