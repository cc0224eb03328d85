"""What happened to weights, in one sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlver.policy.weights.changes import TensorChange, join_deltas
from mlver.policy.weights.groups import LayerName, group_layers, join_layers

ChangeKind = Literal[
    "identical",
    "resaved",
    "renamed",
    "cast",
    "grown",
    "adapters",
    "head",
    "small",
    "large",
    "some",
    "shapes",
    "broken",
]
# The L2 norm of all differences as a share of that of the old weights: fine-tunes stay far below
# the first, and weights that were trained anew are far above it.
_SMALL = 0.1
# So many of all tensors changed: positions, masks and counters seldom do.
_ALMOST_ALL = 0.9
# More than the last third of the layers are no head.
_HEAD_SHARE = 3
_NAMES_SHOWN = 3
_ADAPTER = re.compile(r"lora_[ab]|lora_embedding|lora_magnitude|adapter", re.IGNORECASE)
# What has a row for each word, and what stands before the first layer: no head.
_VOCABULARY = re.compile(r"embed|\bw[tp]e\b|vocab|lm_head|token", re.IGNORECASE)
_STEM = re.compile(r"embed|\bw[tp]e\b|stem|patch|input|conv1|bn1", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ChangeSentence:
    kind: ChangeKind
    text: str


def describe_changes(changes: Sequence[TensorChange], *, same_file: bool) -> ChangeSentence:
    """Say what kind of change it is. `same_file`: the files are the same bytes."""
    differing = [change for change in changes if change.differs]
    broken = [change for change in differing if _has_no_numbers(change)]
    if broken:
        return ChangeSentence("broken", _describe_broken(broken))
    if not differing:
        if same_file:
            return ChangeSentence("identical", "the same files")
        return ChangeSentence("resaved", "saved again: every tensor is as it was")
    for describe in (_describe_adapters, _describe_renamed, _describe_cast, _describe_grown):
        sentence = describe(changes, differing)
        if sentence is not None:
            return sentence
    if any(change.state != "changed" for change in differing):
        return ChangeSentence("shapes", _describe_mixture(differing))
    return _describe_values(changes, differing)


def _has_no_numbers(change: TensorChange) -> bool:
    """Whether values are new in it that are no numbers."""
    delta = change.delta
    return delta is not None and bool(delta.nans or delta.infinities)


def _describe_broken(broken: Sequence[TensorChange]) -> str:
    total = join_deltas(broken)
    assert total is not None
    counts: list[str] = []
    for count, noun in ((total.nans, "NaN"), (total.infinities, "Inf")):
        if count:
            counts.append(f"{count:,} {noun}")
    names = _list_names([change.name for change in broken])
    return f"{' and '.join(counts)} in {_count(len(broken), 'tensor')}: {names}"


def _describe_adapters(
    changes: Sequence[TensorChange], differing: Sequence[TensorChange]
) -> ChangeSentence | None:
    added = [change for change in differing if change.state == "added"]
    others = [change for change in differing if change.state != "added"]
    if not added or not all(_ADAPTER.search(change.name) for change in added):
        return None
    kind = "LoRA adapters" if all("lora" in change.name.lower() for change in added) else "adapters"
    count = _count(len(added), "tensor")
    if not others:
        return ChangeSentence("adapters", f"{kind} added: {count}, nothing else changed")
    if len(differing) == len(changes) and all(change.state == "removed" for change in others):
        return ChangeSentence("adapters", f"{kind} alone: {count}, without what they adapt")
    return None


def _describe_renamed(
    changes: Sequence[TensorChange], differing: Sequence[TensorChange]
) -> ChangeSentence | None:
    if any(change.state != "renamed" for change in differing):
        return None
    how = _find_prefix(differing)
    count = f"{len(differing):,} of {_count(len(changes), 'tensor')}"
    return ChangeSentence("renamed", f"renamed: {count}{how}, every value as it was")


def _find_prefix(renamed: Sequence[TensorChange]) -> str:
    """Say what was put before each name or taken away, where that is all."""
    first = renamed[0]
    if first.name.endswith(first.old_name):
        prefix = first.name.removesuffix(first.old_name)
        if all(change.name == prefix + change.old_name for change in renamed):
            return f", {prefix!r} put before"
    if first.old_name.endswith(first.name):
        prefix = first.old_name.removesuffix(first.name)
        if all(prefix + change.name == change.old_name for change in renamed):
            return f", without {prefix!r}"
    return ""


def _describe_cast(
    changes: Sequence[TensorChange], differing: Sequence[TensorChange]
) -> ChangeSentence | None:
    kinds = {(change.old_dtype, change.new_dtype) for change in differing}
    states = {change.state for change in differing}
    if len(kinds) != 1 or not states <= {"cast", "retyped"}:
        return None
    ((old, new),) = kinds
    if states == {"cast"}:
        return ChangeSentence("cast", f"cast {old} → {new}, no other change")
    count = sum(change.state == "retyped" for change in differing)
    rest = f"and the values of {_count(count, 'tensor')} changed beyond rounding"
    return ChangeSentence("shapes", f"cast {old} → {new}, {rest}")


def _describe_grown(
    changes: Sequence[TensorChange], differing: Sequence[TensorChange]
) -> ChangeSentence | None:
    if any(change.state != "grown" for change in differing):
        return None
    rows = {(_count_rows(change.old_shape), _count_rows(change.new_shape)) for change in differing}
    if len(rows) != 1:
        return None
    ((old, new),) = rows
    noun = "rows added"
    if all(_VOCABULARY.search(change.name) for change in differing):
        noun = "vocabulary grown"
    names = _list_names([change.name for change in differing])
    text = f"{noun}: {old:,} → {new:,} rows in {names}, the others as before"
    return ChangeSentence("grown", text)


def _count_rows(shape: tuple[int, ...] | None) -> int:
    return shape[0] if shape else 0


def _describe_mixture(differing: Sequence[TensorChange]) -> str:
    counts: dict[str, int] = {}
    for change in differing:
        counts[change.state] = counts.get(change.state, 0) + 1
    parts: list[str] = []
    for state, count in counts.items():
        parts.append(f"{_count(count, 'tensor')} {_STATE_WORDS.get(state, state)}")
    return ", ".join(parts)


_STATE_WORDS = {"retyped": "of another type", "reshaped": "of another shape", "grown": "grown"}


def _describe_values(
    changes: Sequence[TensorChange], differing: Sequence[TensorChange]
) -> ChangeSentence:
    """Say where the values changed, and how far."""
    count = f"{len(differing):,} of {_count(len(changes), 'tensor')} changed"
    if len(differing) >= _ALMOST_ALL * len(changes) and len(changes) > 1:
        total = join_deltas(changes)
        relative = None if total is None else total.relative
        if relative is None:
            return ChangeSentence("some", f"{count}, all layers")
        if relative <= _SMALL:
            return ChangeSentence("small", f"{count}, all layers, small")
        return ChangeSentence("large", f"{count}, all layers, large")
    groups = group_layers((change.name, change) for change in changes)
    changed = [layer for layer, members in groups if any(member.differs for member in members)]
    titles = _list_names([title for title, _ in join_layers(changed)])
    if _is_head([layer for layer, _ in groups], changed):
        return ChangeSentence("head", f"{count}, head only ({titles})")
    return ChangeSentence("some", f"{count}, in {titles}")


def _is_head(layers: Sequence[LayerName], changed: Sequence[LayerName]) -> bool:
    """Whether only what comes behind the layers changed, or the last few of them as well."""
    if any(layer.number is None and _STEM.search(layer.prefix) for layer in changed):
        return False
    numbered = [layer for layer in layers if layer.number is not None]
    changed_numbered = [layer for layer in changed if layer.number is not None]
    if numbered:
        few = max(1, len(numbered) // _HEAD_SHARE)
        last = numbered[-len(changed_numbered) :] if changed_numbered else []
        return changed_numbered == last and len(last) <= few and len(numbered) > 1
    few = max(1, len(layers) // _HEAD_SHARE)
    return (
        len(changed) <= few and list(changed) == list(layers[-len(changed) :]) and len(layers) > 1
    )


def _list_names(names: Sequence[str]) -> str:
    listed = ", ".join(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        listed += f" and {len(names) - _NAMES_SHOWN:,} more"
    return listed


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
