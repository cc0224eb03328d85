"""Tensors are put together as people think of models: by layer."""

from __future__ import annotations

import pytest

from mlver.policy.weights.groups import cut_name, group_layers, join_layers

BERT = (
    "embeddings.word_embeddings.weight",
    *[f"encoder.layer.{n}.output.dense.bias" for n in (0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9)],
    "pooler.dense.weight",
)
MODELS = {
    "BERT": (BERT, ["embeddings", "encoder.layer.0…10", "pooler"]),
    "wrapped": (
        [f"bert.{name}" for name in BERT],
        ["bert.embeddings", "bert.encoder.layer.0…10", "bert.pooler"],
    ),
    "Llama": (
        ["lm_head.weight", "model.embed_tokens.weight", "model.norm.weight"]
        + [f"model.layers.{n}.mlp.up_proj.weight" for n in range(3)],
        ["lm_head", "model.embed_tokens", "model.layers.0…2", "model.norm"],
    ),
    "sequential": (["0.weight", "0.bias", "2.weight", "3.weight"], ["0", "2…3"]),
    "plain": (["fc1.weight", "fc1.bias", "out"], ["fc1", "out"]),
    "paths": (["layers/dense/kernel", "layers/dense_1/kernel"], ["layers.dense", "layers.dense_1"]),
    "gaps": ([f"h.{n}.w" for n in (0, 1, 3, 4, 7)], ["h.0…1", "h.3…4", "h.7"]),
}


@pytest.mark.parametrize("model", MODELS)
def test_layers_are_found_by_their_names(model: str) -> None:
    names, titles = MODELS[model]
    groups = group_layers((name, name) for name in names)
    assert [title for title, _ in join_layers([layer for layer, _ in groups])] == titles
    assert sorted(name for _, members in groups for name in members) == sorted(names)


def test_a_name_is_cut_at_any_depth() -> None:
    assert cut_name("a.b.c", 1) == "a"
    assert cut_name("a.b.c", 2) == "a.b"
    assert cut_name("a.b.c", 9) == "a.b.c"
