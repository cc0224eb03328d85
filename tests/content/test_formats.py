"""Formats are told from names alone."""

from __future__ import annotations

import pytest

from mlver.content import formats


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["model.safetensors"], "safetensors"),
        (["a/model-00001.safetensors", "config.json", "tokenizer.model"], "safetensors"),
        (["MODEL.ONNX"], "onnx"),
        (["a.pt", "b.pth"], "pytorch"),
        (["a.pt", "b.safetensors"], None),
        (["weights"], None),
        ([".pt"], None),
        (["model.pkl.txt"], None),
        ([], None),
    ],
)
def test_a_format_is_told_only_where_the_names_agree(
    names: list[str], expected: str | None
) -> None:
    assert formats.detect_format(names) == expected
