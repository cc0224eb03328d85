"""The sentence about weights never claims what is false, whatever was done to them.

Models are changed in one to three ways at once; what the sentence says is then held to the arrays
themselves, with the bytes of both sides and with what is kept of them alone.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_dtypes
import numpy
import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from mlver.content.tensors import elements
from mlver.content.tensors.comparing import SideTensor, TensorComparer
from mlver.content.tensors.digesting import digest_tensor
from mlver.content.tensors.files import read_tensors
from mlver.content.tensors.sources import BytesSource
from mlver.policy.weights.sentence import ChangeSentence, describe_changes
from tests.conftest import try_examples
from tests.content.tensors.makers import Array, draw_values, make_gguf, make_info, make_safetensors

Tensors = dict[str, Array]
Change = Callable[[Tensors, int], Tensors]

_WORDS = "embeddings.word_embeddings.weight"
_POSITIONS = "embeddings.position_embeddings.weight"
_LAYERS = 6
_NEARLY = "as far as a few values tell"


def build_model() -> Tensors:
    """A small encoder, with a tied head and a counter that no training touches."""
    tensors: Tensors = {_WORDS: draw_values(40, 8), _POSITIONS: draw_values(10, 8, seed=1)}
    tensors["embeddings.position_ids"] = numpy.arange(10, dtype="i8")
    for layer in range(_LAYERS):
        prefix = f"encoder.layer.{layer}"
        tensors[f"{prefix}.query.weight"] = draw_values(8, 8, seed=10 + layer)
        tensors[f"{prefix}.query.bias"] = draw_values(8, seed=20 + layer)
    tensors["pooler.dense.weight"] = draw_values(8, 8, seed=30)
    tensors["lm_head.weight"] = tensors[_WORDS].copy()
    return tensors


MODEL = build_model()


def list_floats(tensors: Tensors) -> list[str]:
    return [name for name, array in tensors.items() if array.dtype == numpy.float32]


def pick(tensors: Tensors, seed: int) -> str:
    names = sorted(list_floats(tensors)) or sorted(tensors)
    return names[seed % len(names)]


def nudge(array: Array, seed: int, scale: float = 1e-3) -> Array:
    nudged: Array = array + draw_values(*array.shape, seed=seed, scale=scale).astype(array.dtype)
    return nudged


def nudge_all(tensors: Tensors, seed: int) -> Tensors:
    floats = list_floats(tensors)
    scale = (1e-4, 1e-1, 1.0)[seed % 3]
    return {n: nudge(a, seed, scale) if n in floats else a for n, a in tensors.items()}


def nudge_layers(tensors: Tensors, seed: int) -> Tensors:
    """From one layer on, or all but one."""
    layer = seed % _LAYERS
    parts = [f".{n}." for n in range(_LAYERS) if (n >= layer if seed % 2 else n != layer)]
    floats = list_floats(tensors)
    return {
        n: nudge(a, seed) if n in floats and any(part in n for part in parts) else a
        for n, a in tensors.items()
    }


def nudge_head(tensors: Tensors, seed: int) -> Tensors:
    floats = list_floats(tensors)
    return {n: nudge(a, seed) if n in floats and "pooler" in n else a for n, a in tensors.items()}


def nudge_value(tensors: Tensors, seed: int) -> Tensors:
    """One value, which what is kept need not have."""
    name = pick(tensors, seed)
    changed = tensors[name].copy()
    place = changed.reshape(-1)[seed % changed.size :]
    place[:1] = place[:1] + numpy.ones(1, changed.dtype)
    return tensors | {name: changed}


def add_lora(tensors: Tensors, seed: int) -> Tensors:
    lora = draw_values(2, 8, seed=seed)
    if seed % 3 == 0:
        lora[0, seed % 8] = numpy.nan
    return tensors | {f"encoder.layer.{seed % _LAYERS}.query.lora_A.weight": lora}


def cast(tensors: Tensors, seed: int) -> Tensors:
    kind = (ml_dtypes.bfloat16, "f2", "f8", ml_dtypes.float8_e4m3fn)[seed % 4]
    floats = list_floats(tensors)
    if seed % 5 == 0:
        floats = floats[: len(floats) // 2]
    return {n: a.astype(kind) if n in floats else a for n, a in tensors.items()}


def rename(tensors: Tensors, seed: int) -> Tensors:
    if seed % 2:
        return {f"bert.{name}": array for name, array in tensors.items()}
    return {name.replace("query", "q_proj"): array for name, array in tensors.items()}


def grow(tensors: Tensors, seed: int) -> Tensors:
    name = (_WORDS, _POSITIONS, pick(tensors, seed))[seed % 3]
    if name not in tensors or tensors[name].ndim != 2:
        return tensors
    array = tensors[name]
    more = draw_values(3, array.shape[1], seed=seed).astype(array.dtype)
    return tensors | {name: numpy.concatenate([array, more])}


def break_values(tensors: Tensors, seed: int) -> Tensors:
    name = pick(tensors, seed)
    broken = tensors[name].copy()
    if broken.dtype.kind == "i":
        return tensors
    broken.reshape(-1)[seed % broken.size] = (numpy.nan, numpy.inf)[seed % 2]
    return tensors | {name: broken}


def transpose(tensors: Tensors, seed: int) -> Tensors:
    name = pick(tensors, seed)
    return tensors | {name: numpy.ascontiguousarray(tensors[name].T)}


def untie(tensors: Tensors, seed: int) -> Tensors:
    """The tied head is dropped, as files that keep one of two do, or gets values of its own."""
    others = {name: array for name, array in tensors.items() if "lm_head" not in name}
    head = {n: nudge(a, seed) for n, a in tensors.items() if n not in others}
    return others if seed % 2 else others | head


def save_again(tensors: Tensors, seed: int) -> Tensors:
    return dict(reversed(tensors.items()))


CHANGES: tuple[Change, ...] = (
    *(nudge_all, nudge_layers, nudge_head, nudge_value, add_lora, cast, rename, grow),
    *(break_values, transpose, untie, save_again),
)


def describe(old: Tensors, new: Tensors, *, kept: bool) -> ChangeSentence:
    files = [make_safetensors(tensors) for tensors in (old, new)]
    return describe_files(files, "m.safetensors", kept=kept)


def describe_files(
    files: Sequence[bytes], name: str, *, kept: bool = False, measures: bool = True
) -> ChangeSentence:
    sides: list[dict[str, SideTensor]] = []
    for data in files:
        found = read_tensors(BytesSource(data), name).tensors
        side = {tensor.name: SideTensor.from_found(tensor) for tensor in found}
        if kept:
            side = {t.name: SideTensor.from_kept(digest_tensor(t, summarise=True)) for t in found}
        sides.append(side)
    changes = TensorComparer(lambda _: None, measures=measures).compare_sides(*sides)
    return describe_changes(changes, same_file=False)


# -- what is so --------------------------------------------------------------------------------


def is_same(old: Array, new: Array) -> bool:
    alike = (old.dtype, old.shape) == (new.dtype, new.shape)
    return alike and old.tobytes() == new.tobytes()


def list_contents(tensors: Tensors) -> list[tuple[str, tuple[int, ...], bytes]]:
    return sorted((str(a.dtype), a.shape, a.tobytes()) for a in tensors.values())


def count_broken(array: Array) -> int:
    if array.dtype.kind == "i":
        return 0
    with numpy.errstate(all="ignore"):
        return int(numpy.count_nonzero(~numpy.isfinite(array.astype("f8"))))


def find_layer(name: str) -> str | None:
    found = re.search(r"layer\.(\d+)\.", name)
    return found[1] if found else None


def measure_distance(old: Tensors, new: Tensors) -> float:
    moved = length = 0.0
    for name, array in old.items():
        if name in new and array.shape == new[name].shape:
            before, after = array.astype("f8"), new[name].astype("f8")
            moved += float(((after - before) ** 2).sum())
            length += float((before**2).sum())
    return math.sqrt(moved / length)


def list_differing(old: Tensors, new: Tensors) -> set[str]:
    names = [*old, *(name for name in new if name not in old)]
    return {n for n in names if n not in old or n not in new or not is_same(old[n], new[n])}


def check_claims(text: str, old: Tensors, new: Tensors) -> None:
    """Fail where the sentence says something that is not so, or leaves out what comes first."""
    check_values(text, old, new)
    check_counts(text, old, new)


def check_values(text: str, old: Tensors, new: Tensors) -> None:
    """Fail where the sentence says something of values that is not so."""
    differing = list_differing(old, new)
    if "saved again" in text or "the same files" in text:
        assert not differing
    if "nothing else changed" in text:
        assert not differing & old.keys()
    if "every value as it was" in text:
        assert list_contents(old) == list_contents(new)
    if text.startswith("cast") and "no other change" in text and _NEARLY not in text:
        assert old.keys() == new.keys()
        with numpy.errstate(all="ignore"):
            for name in differing:
                assert is_same(old[name].astype(new[name].dtype), new[name]), name
    check_grown(text, old, new, differing)
    check_layers(text, old, new, differing)


def check_grown(text: str, old: Tensors, new: Tensors, differing: set[str]) -> None:
    found = re.search(r"([\d,]+) → ([\d,]+) rows in (.*), the others as before", text)
    if not found:
        return
    grown = set(found[3].split(", "))
    assert differing == grown
    assert all(new[name].shape[0] == int(found[2]) for name in grown)
    if "vocabulary" in text:
        assert all("word_embeddings" in name or "lm_head" in name for name in grown)
    if _NEARLY not in text:
        assert all(is_same(old[name], new[name][: len(old[name])]) for name in grown)


def check_layers(text: str, old: Tensors, new: Tensors, differing: set[str]) -> None:
    changed_layers = {find_layer(name) for name in differing}
    if "head only" in text:
        assert not any("embedding" in name for name in differing)
        assert changed_layers <= {"4", "5", None}
    if found := re.match(r"(\d+) of (\d+) tensors changed", text):
        assert int(found[1]) == len(differing)
        assert int(found[2]) == len(old.keys() | new.keys())
    if "all layers" in text:
        assert {str(layer) for layer in range(_LAYERS)} <= changed_layers
        if _NEARLY not in text and ("small" in text or "large" in text):
            assert ("small" in text) == (measure_distance(old, new) <= 0.1)


def check_counts(text: str, old: Tensors, new: Tensors) -> None:
    """The counts of tensors of another kind, and of what is no number."""
    both = [name for name in old if name in new]
    counted: Mapping[str, int] = {
        "of another shape": sum(old[n].shape != new[n].shape for n in both),
        "of another type": sum(old[n].dtype != new[n].dtype for n in both),
        "changed beyond rounding": sum(
            old[n].dtype != new[n].dtype and not is_same(old[n].astype(new[n].dtype), new[n])
            for n in both
        ),
        "laid out otherwise": 0,
    }
    for words, most in counted.items():
        if found := re.search(rf"(\d+) tensors? {words}", text):
            assert int(found[1]) <= most, words
    broken = {name: count_broken(array) for name, array in new.items()}
    if found := re.match(r"(?:(\d+) NaN)?(?: and )?(?:(\d+) Inf)? in (\d+) tensors?: (.*)", text):
        named = [name for name in broken if name in found[4].split(", ")]
        assert all(broken[name] for name in named)
        if " more" not in text:
            total = sum(int(count or 0) for count in (found[1], found[2]))
            assert total == sum(broken[name] for name in named)
    else:
        # Renamed tensors have what they had.
        had = sum(map(count_broken, old.values()))
        assert sum(broken.values()) <= had, "what is no number is told first"


_STEPS = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.integers(min_value=0, max_value=200)),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("kept", [False, True], ids=["bytes", "kept"])
@try_examples(150)
@given(steps=_STEPS)
def test_no_sentence_claims_what_is_not_so(kept: bool, steps: list[tuple[Change, int]]) -> None:
    new = MODEL
    with numpy.errstate(all="ignore"):
        for change, seed in steps:
            new = change(new, seed)
    sentence = describe(MODEL, new, kept=kept)
    note(sentence.text)
    check_claims(sentence.text, MODEL, new)


@try_examples(100)
@given(steps=_STEPS)
def test_no_sentence_claims_what_is_not_so_without_numpy(steps: list[tuple[Change, int]]) -> None:
    """What is no number is not counted then, and whatever else is said is so."""
    new = MODEL
    with numpy.errstate(all="ignore"):
        for change, seed in steps:
            new = change(new, seed)
    files = [make_safetensors(tensors) for tensors in (MODEL, new)]
    sentence = describe_files(files, "m.safetensors", measures=False)
    note(sentence.text)
    assert not sentence.is_estimated
    check_values(sentence.text, MODEL, new)


def cast_half(tensors: Tensors, _: int) -> Tensors:
    return {n: a.astype("f2") if a.dtype.kind == "f" else a for n, a in tensors.items()}


# Two things at once, and what is said of them, with the bytes and without.
PAIRS: dict[str, tuple[tuple[Change, ...], str]] = {
    "head and cast": (
        (nudge_head, cast_half),
        "cast F32 → F16, and the values of 1 tensor changed beyond rounding",
    ),
    "renamed and nudged": (
        (lambda tensors, _: rename(tensors, 1), nudge_all),
        "1 tensor renamed, 16 tensors removed, 16 tensors added",
    ),
    "NaN in LoRA": (
        (lambda tensors, _: add_lora(tensors, 3),),
        "1 NaN in 1 tensor: encoder.layer.3.query.lora_A.weight",
    ),
    "transposed": (
        (lambda tensors, _: tensors | {_WORDS: tensors[_WORDS].T.copy()},),
        "1 tensor of another shape",
    ),
    "tied weights dropped": (
        (lambda tensors, _: untie(tensors, 1),),
        "1 tensor removed",
    ),
    "renamed and tied weights dropped": (
        (lambda tensors, _: rename(untie(tensors, 1), 1),),
        "16 tensors renamed, 1 tensor removed",
    ),
    "vocabulary grown and head": (
        (lambda tensors, _: grow(tensors, 0), nudge_head),
        "1 tensor grown, 1 tensor changed",
    ),
}


@pytest.mark.parametrize("kept", [False, True], ids=["bytes", "kept"])
@pytest.mark.parametrize("name", PAIRS)
def test_two_things_at_once_are_both_told(name: str, kept: bool) -> None:
    steps, text = PAIRS[name]
    new = MODEL
    for change in steps:
        new = change(new, 0)
    found = describe(MODEL, new, kept=kept).text
    assert sorted(found.replace(f" ({_NEARLY})", "").split(", ")) == sorted(text.split(", "))
    check_claims(found, MODEL, new)


def test_one_value_of_a_cast_that_nobody_kept_is_not_denied() -> None:
    """What is kept has a few of the values: of all the others it may say nothing."""
    new = cast_half(nudge_value(MODEL, 33), 0)
    said: list[Any] = [describe(MODEL, new, kept=kept).text for kept in (False, True)]
    assert said[0] == "cast F32 → F16, and the values of 1 tensor changed beyond rounding"
    assert said[1] == f"cast F32 → F16, no other change ({_NEARLY})"


@pytest.mark.parametrize("kept", [False, True], ids=["bytes", "kept"])
def test_of_quantised_blocks_nothing_is_claimed(
    kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether they are the old values, rounded to blocks, nobody here can say."""
    half = draw_values(1, 32).astype("f2").tobytes()
    old = make_gguf(make_info("blk.0.w", (1, 32), 1, 0), data=half)
    new = make_gguf(make_info("blk.0.w", (1, 32), 8, 0), data=bytes(range(34)))
    unknown = "F16 → Q8_0: how the values of 1 tensor changed is not known"
    measured = "converted F16 → Q8_0: the table says how far the values moved"
    assert describe_files((old, new), "m.gguf", kept=kept).text == (unknown if kept else measured)
    monkeypatch.setattr(elements, "can_dequantise", lambda dtype: False)
    assert describe_files((old, new), "m.gguf", kept=kept).text == unknown


# -- other orders in memory, and no numpy ------------------------------------------------------


def save_rows(tensors: Tensors) -> bytes:
    out = io.BytesIO()
    save: Any = numpy.savez
    save(out, **tensors)
    return out.getvalue()


def save_columns(tensors: Tensors) -> bytes:
    """The same arrays by columns."""
    return save_rows({name: numpy.asfortranarray(array) for name, array in tensors.items()})


def count_matrices(tensors: Tensors) -> int:
    return sum(array.ndim > 1 for array in tensors.values())


@pytest.mark.parametrize("measures", [True, False])
def test_the_same_values_in_another_order_are_the_same_values(measures: bool) -> None:
    files = (save_rows(MODEL), save_columns(MODEL))
    sentence = describe_files(files, "m.npz", measures=measures)
    count = f"{count_matrices(MODEL)} of {len(MODEL)} tensors"
    assert sentence.text == f"laid out otherwise: {count}, every value as it was"
    assert sentence.kind == "reordered"
    moved = nudge_head(MODEL, 3)
    sentence = describe_files((save_columns(MODEL), save_columns(moved)), "m.npz")
    assert sentence.text == f"1 of {len(MODEL)} tensors changed, head only (pooler)"
    # What is kept has elements as they lie, and nothing is claimed of two that lie differently.
    kept = describe_files(files, "m.npz", kept=True)
    assert kept.text == f"{count_matrices(MODEL)} tensors laid out otherwise"


def test_values_that_changed_in_another_order_are_found() -> None:
    moved = nudge_head(MODEL, 3)
    sentence = describe_files((save_rows(MODEL), save_columns(moved)), "m.npz")
    found = sorted(sentence.text.split(", "))
    assert found == ["1 tensor changed", f"{count_matrices(MODEL) - 1} tensors laid out otherwise"]


@pytest.mark.parametrize("place", [0, 3, 39_999])
def test_without_numpy_every_value_of_a_cast_is_compared(place: int) -> None:
    """Only those at 0, 1, 2, 4 and so on are kept, and with the bytes here all of them count."""
    tensors: Tensors = {"w": draw_values(200, 200), "b": numpy.array([1e9, -1e9, numpy.nan], "f4")}
    with numpy.errstate(all="ignore"):
        for kind in ("f2", "f8", ml_dtypes.bfloat16):
            new = {name: array.astype(kind) for name, array in tensors.items()}
            files = [make_safetensors(tensors), make_safetensors(new)]
            sentence = describe_files(files, "m.safetensors", measures=False)
            assert (sentence.kind, "no other change" in sentence.text) == ("cast", True)
            new["w"].reshape(-1)[place] *= -3
            files[1] = make_safetensors(new)
            text = describe_files(files, "m.safetensors", measures=False).text
            assert text.endswith("and the values of 1 tensor changed beyond rounding")


def test_complex_numbers_against_others_are_not_known() -> None:
    tensors = {"w": draw_values(4, 4)}
    new = {"w": tensors["w"].astype("c8")}
    files = [make_safetensors(tensors), make_safetensors(new)]
    for measures in (True, False):
        text = describe_files(files, "m.safetensors", measures=measures).text
        assert text == "F32 → C64: how the values of 1 tensor changed is not known"


@pytest.mark.parametrize("kept", [False, True], ids=["bytes", "kept"])
def test_how_far_is_not_said_where_half_of_it_is_quantised(
    kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six tensors are nudged a little, and six of blocks get wholly other bytes.

    Without `gguf`, nobody reads the values in blocks.
    """
    monkeypatch.setattr(elements, "can_dequantise", lambda dtype: False)
    files: list[bytes] = []
    for step in (0, 1):
        infos: list[bytes] = []
        data = b""
        for layer in range(6):
            infos.append(make_info(f"blk.{layer}.w", (32,), 0, len(data)))
            data += (draw_values(32, seed=layer) * (1 + step / 1000)).astype("f4").tobytes()
            infos.append(make_info(f"blk.{layer}.q", (32,), 8, len(data)))
            data += (bytes([9 * step + 1]) * 34).ljust(64, b"\0")
        files.append(make_gguf(*infos, data=data))
    sentence = describe_files(files, "m.gguf", kept=kept)
    assert (sentence.kind, sentence.text) == ("some", "12 of 12 tensors changed, all layers")


@pytest.mark.parametrize("kind", ["f2", "f4"])
def test_masks_of_infinities_stay_and_new_ones_are_found(kind: str) -> None:
    old = draw_values(9)
    old[:3] = -numpy.inf
    moved = old.copy()
    moved[2], moved[7] = 1, numpy.inf
    texts: list[str] = []
    for new in (old, moved):
        arrays = ({"w": old}, {"w": new.astype(kind)})
        files = [make_safetensors(tensors) for tensors in arrays]
        texts.append(describe_files(files, "m.safetensors").text)
    assert "Inf" not in texts[0]
    assert texts[1] == "3 Inf in 1 tensor: w"
