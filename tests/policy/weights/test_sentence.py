"""What happened to weights, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mlver.policy.weights.changes import Delta, TensorChange, join_deltas
from mlver.policy.weights.sentence import describe_changes

NAMES = (
    "embeddings.word_embeddings.weight",
    *[f"encoder.layer.{n}.dense.weight" for n in range(6)],
    "pooler.dense.weight",
)
_SAME = Delta(compared=4, changed=0, largest=0, squared_delta=0, squared_old=4, squared_new=4)


def change(name: str, state: Any = "same", **fields: Any) -> TensorChange:
    known: dict[str, Any] = {
        "name": name,
        "old_name": name,
        "old_dtype": "F32",
        "new_dtype": "F32",
        "old_shape": (2, 2),
        "new_shape": (2, 2),
        "delta": moved(0.001) if state == "changed" else _SAME,
    }
    return TensorChange(state=state, **(known | fields))


def moved(relative: float) -> Delta:
    """A distance of so much of the old values."""
    return replace(_SAME, changed=4, largest=relative, squared_delta=4 * relative**2)


def change_all(state: str, names: Sequence[str] = NAMES, **fields: Any) -> list[TensorChange]:
    return [change(name, state, **fields) for name in names]


def change_some(*names: str, state: str = "changed", **fields: Any) -> list[TensorChange]:
    """All tensors, of which only these changed."""
    listed: list[TensorChange] = []
    for name in NAMES:
        listed.append(change(name, state, **fields) if name in names else change(name))
    return listed


_LORA = "encoder.layer.0.dense.lora_A.weight"
_GROWN: dict[str, Any] = {"old_shape": (30522, 2), "new_shape": (30600, 2)}
_BF16: dict[str, Any] = {"new_dtype": "BF16"}
CASES: dict[str, tuple[list[TensorChange], str, str]] = {
    "all": (
        change_all("changed", delta=moved(0.01)),
        "small",
        "8 of 8 tensors changed, all layers, small",
    ),
    "anew": (
        change_all("changed", delta=moved(1.4)),
        "large",
        "8 of 8 tensors changed, all layers, large",
    ),
    "unmeasured": (change_all("changed", delta=None), "some", "8 of 8 tensors changed, all layers"),
    "head": (
        change_some("pooler.dense.weight"),
        "head",
        "1 of 8 tensors changed, head only (pooler)",
    ),
    "last layer": (
        change_some("encoder.layer.5.dense.weight", "pooler.dense.weight"),
        "head",
        "2 of 8 tensors changed, head only (encoder.layer.5, pooler)",
    ),
    "first layer": (
        change_some("encoder.layer.0.dense.weight"),
        "some",
        "1 of 8 tensors changed, in encoder.layer.0",
    ),
    "embeddings": (
        change_some("embeddings.word_embeddings.weight"),
        "some",
        "1 of 8 tensors changed, in embeddings",
    ),
    "LoRA": (
        [*change_all("same"), change(_LORA, "added", old_shape=None, delta=None)],
        "adapters",
        "LoRA adapters added: 1 tensor, nothing else changed",
    ),
    "LoRA alone": (
        [*change_all("removed", delta=None), change(_LORA, "added", delta=None)],
        "adapters",
        "LoRA adapters alone: 1 tensor, without what they adapt",
    ),
    "cast": (change_all("cast", **_BF16), "cast", "cast F32 → BF16, no other change"),
    "cast and more": (
        [*change_all("cast", NAMES[1:], **_BF16), change(NAMES[0], "retyped", **_BF16)],
        "shapes",
        "cast F32 → BF16, and the values of 1 tensor changed beyond rounding",
    ),
    "renamed": (
        [change(f"bert.{name}", "renamed", old_name=name, delta=None) for name in NAMES],
        "renamed",
        "renamed: 8 of 8 tensors, 'bert.' put before, every value as it was",
    ),
    "renamed back": (
        [change(name, "renamed", old_name=f"bert.{name}", delta=None) for name in NAMES],
        "renamed",
        "renamed: 8 of 8 tensors, without 'bert.', every value as it was",
    ),
    "renamed anyhow": (
        [*change_all("same", NAMES[1:]), change("x", "renamed", old_name="y", delta=None)],
        "renamed",
        "renamed: 1 of 8 tensors, every value as it was",
    ),
    "vocabulary": (
        change_some(NAMES[0], state="grown", **_GROWN),
        "grown",
        f"vocabulary grown: 30,522 → 30,600 rows in {NAMES[0]}, the others as before",
    ),
    "rows": (
        change_some(NAMES[-1], state="grown", **_GROWN),
        "grown",
        f"rows added: 30,522 → 30,600 rows in {NAMES[-1]}, the others as before",
    ),
    "positions": (
        [change("embeddings.position_embeddings.weight", "grown", **_GROWN), *change_all("same")],
        "grown",
        "rows added: 30,522 → 30,600 rows in embeddings.position_embeddings.weight, the others as"
        " before",
    ),
    "shapes": (
        [
            change(NAMES[0], "reshaped", new_shape=(4,)),
            change("more", "added"),
            *change_all("same", NAMES[1:]),
        ],
        "shapes",
        "1 tensor of another shape, 1 tensor added",
    ),
    "transposed in place": (
        change_some(NAMES[0], state="reshaped", delta=None),
        "shapes",
        "1 tensor laid out otherwise",
    ),
    "frozen embeddings": (
        [change(f"{name}{n}", "changed") for name in NAMES[1:] for n in "abc"] + [change(NAMES[0])],
        "small",
        "21 of 22 tensors changed, all layers but embeddings, small",
    ),
    "a frozen layer": (
        [change(f"layers.{n}.weight", "changed") for n in range(1, 12)]
        + [change("layers.0.weight")],
        "some",
        "11 of 12 tensors changed, in layers.1…11",
    ),
    "two stacks": (
        [change(f"{part}.layer.{n}.w") for part in ("encoder", "decoder") for n in range(5)]
        + [change("encoder.layer.5.w", "changed")],
        "some",
        "1 of 11 tensors changed, in encoder.layer.5",
    ),
    "the end of one of two stacks": (
        [change(f"{part}.layer.{n}.w") for part in ("encoder", "decoder") for n in range(5)]
        + [change("encoder.final_layer_norm.weight", "changed")],
        "some",
        "1 of 11 tensors changed, in encoder.final_layer_norm",
    ),
    "half of it unmeasured": (
        [*change_all("changed", NAMES[:4]), *change_all("changed", NAMES[4:], delta=None)],
        "some",
        "8 of 8 tensors changed, all layers",
    ),
    "the class token": (
        [change("cls_token", "changed"), *[change(f"blocks.{n}.w") for n in range(3)]],
        "some",
        "1 of 4 tensors changed, in cls_token",
    ),
    "a head of layers": (
        [
            *[change(f"features.{n}.weight") for n in (0, 3, 6)],
            change("classifier.6.weight", "changed"),
        ],
        "head",
        "1 of 4 tensors changed, head only (classifier.6)",
    ),
    "shared embeddings": (
        [change("shared.weight", "changed"), *[change(f"block.{n}.w") for n in range(3)]],
        "some",
        "1 of 4 tensors changed, in shared",
    ),
    "token_embd": (
        [change("token_embd.weight", "changed"), *[change(f"blk.{n}.w") for n in range(3)]],
        "some",
        "1 of 4 tensors changed, in token_embd",
    ),
    "cast, from a few values": (
        change_all("cast", delta=replace(_SAME, estimated=True), **_BF16),
        "cast",
        "cast F32 → BF16, no other change (as far as a few values tell)",
    ),
    "cast of some": (
        [*change_all("cast", NAMES[1:], **_BF16), change(NAMES[0])],
        "cast",
        "cast F32 → BF16 in 7 of 8 tensors, no other change",
    ),
    "quantised": (
        change_all("retyped", old_dtype="F16", new_dtype="Q8_0", can_tell=False, delta=None),
        "shapes",
        "F16 → Q8_0: how the values of 8 tensors changed is not known",
    ),
    "quantised and measured": (
        change_all("retyped", old_dtype="F16", new_dtype="Q8_0", can_tell=False),
        "shapes",
        "converted F16 → Q8_0: the table says how far the values moved",
    ),
    "small, from a few values": (
        change_all("changed", delta=replace(moved(0.01), estimated=True)),
        "small",
        "8 of 8 tensors changed, all layers, small (as far as a few values tell)",
    ),
    "NaN in what is new": (
        [
            *change_all("same"),
            change(_LORA, "added", old_shape=None, delta=replace(_SAME, nans=2, compared=0)),
        ],
        "broken",
        f"2 NaN in 1 tensor: {_LORA}",
    ),
    "NaN from before": (
        change_some(NAMES[3], delta=replace(_SAME, nans=3, old_broken=3, changed=4)),
        "some",
        "1 of 8 tensors changed, in encoder.layer.2",
    ),
    "NaN": (
        change_some(NAMES[3], delta=replace(_SAME, nans=3, infinities=1, changed=4)),
        "broken",
        f"3 NaN and 1 Inf in 1 tensor: {NAMES[3]}",
    ),
    "again": (change_all("same"), "resaved", "saved again: every tensor is as it was"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_kind_of_change_has_its_sentence(name: str) -> None:
    changes, kind, text = CASES[name]
    sentence = describe_changes(changes, same_file=False)
    assert (sentence.kind, sentence.text) == (kind, text)


def test_the_same_files_are_no_news() -> None:
    assert describe_changes(change_all("same"), same_file=True).kind == "identical"


@pytest.mark.parametrize(
    ("changes", "is_whole", "text"),
    [
        ([], True, "other files, and no tensors in them that are read"),
        ([], False, "other files, and no tensors in them that are read"),
        (change_all("same"), False, "other files, not all of which is read: 8 tensors as before"),
    ],
)
def test_nothing_is_claimed_of_what_was_not_read(
    changes: list[TensorChange], is_whole: bool, text: str
) -> None:
    sentence = describe_changes(changes, same_file=False, is_whole=is_whole)
    assert (sentence.kind, sentence.text) == ("unread", text)
    assert describe_changes(changes, same_file=True, is_whole=is_whole).kind == "identical"


@pytest.mark.parametrize("name", ["cast", "LoRA", "renamed", "vocabulary", "all", "shapes"])
def test_every_claim_is_of_what_was_read(name: str) -> None:
    changes, kind, text = CASES[name]
    sentence = describe_changes(changes, same_file=False, is_whole=False)
    assert (sentence.kind, sentence.text) == (kind, f"{text} (not all of the files is read)")


def test_nan_that_was_there_before_is_no_news() -> None:
    changes = change_all("same", delta=replace(_SAME, nans=3))
    assert describe_changes(changes, same_file=False).kind == "resaved"


def test_layers_without_numbers_have_a_head_as_well() -> None:
    names = ["fc1.weight", "fc2.weight", "fc3.weight"]
    changes = [*change_all("same", names[:2]), change(names[2], "changed")]
    assert describe_changes(changes, same_file=False).text.endswith("head only (fc3)")
    changes = [change(names[0], "changed"), *change_all("same", names[1:])]
    assert describe_changes(changes, same_file=False).kind == "some"


def test_distances_are_added_up() -> None:
    total = join_deltas([change("a", delta=moved(0.3)), change("b"), change("c", delta=None)])
    assert total is not None
    assert (total.compared, total.changed, total.largest) == (8, 4, 0.3)
    assert total.relative == pytest.approx(0.3 / 2**0.5)
    assert join_deltas([change("c", delta=None)]) is None
    unknown = change("d", delta=replace(_SAME, nans=None))
    assert getattr(join_deltas([change("a"), unknown]), "nans", 0) is None
