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
    "reordered",
    "adapters",
    "head",
    "small",
    "large",
    "some",
    "shapes",
    "broken",
    "unread",
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
# What has a row for each word; positions, types of words and the like are none.
_VOCABULARY = re.compile(r"embe?d|\bwte\b|vocab|lm_head|token", re.IGNORECASE)
_NO_WORDS = re.compile(r"pos|type|time|segment|patch|wpe|norm", re.IGNORECASE)
# What is called as if it came behind the layers, and what never does.
_HEAD = re.compile(
    r"(?:^|[_.])heads?(?:$|[_.\d])|pool|classif|logit|score|predict|output|proj_out|final|ln_f|^(fc|norm|qa|cls)\b",
    re.IGNORECASE,
)
_STEM = re.compile(r"embe?d|\bw[tp]e\b|stem|patch|input|conv1|bn1|token|shared", re.IGNORECASE)
_ENDING_NUMBER = re.compile(r"(.*?)(\d+)")
_NEARLY = " (as far as a few values tell)"
_PARTLY = " (not all of the files is read)"


@dataclass(frozen=True, slots=True)
class ChangeSentence:
    """What kind of change it is. `is_estimated`: it rests on a few values of each tensor."""

    kind: ChangeKind
    text: str
    is_estimated: bool = False


def describe_changes(
    changes: Sequence[TensorChange], *, same_file: bool, is_whole: bool = True
) -> ChangeSentence:
    """Say what kind of change it is.

    `same_file`: the files are the same bytes. `is_whole`: all that they hold was read.
    """
    differing = [change for change in changes if change.differs]
    broken = [change for change in differing if _has_no_numbers(change)]
    if broken:
        return ChangeSentence("broken", _describe_broken(broken))
    if not differing:
        return _describe_same(changes, same_file=same_file, is_whole=is_whole)
    for describe in _SPECIAL:
        sentence = describe(changes, differing)
        if sentence is not None:
            return _qualify(sentence, differing, is_whole=is_whole)
    if any(change.state != "changed" for change in differing):
        sentence = ChangeSentence("shapes", _describe_mixture(differing))
        return _qualify(sentence, differing, is_whole=is_whole)
    return _qualify(_describe_values(changes, differing), differing, is_whole=is_whole)


def _describe_same(
    changes: Sequence[TensorChange], *, same_file: bool, is_whole: bool
) -> ChangeSentence:
    """Say that no tensor differs, and of how much that can be said."""
    if same_file:
        return ChangeSentence("identical", "the same files")
    if not changes:
        return ChangeSentence("unread", "other files, and no tensors in them that are read")
    if not is_whole:
        count = _count(len(changes), "tensor")
        return ChangeSentence("unread", f"other files, not all of which is read: {count} as before")
    return ChangeSentence("resaved", "saved again: every tensor is as it was")


def _qualify(
    sentence: ChangeSentence, differing: Sequence[TensorChange], *, is_whole: bool
) -> ChangeSentence:
    """Say so where a claim about all values rests on a few of them, or on part of the files."""
    text = sentence.text
    is_estimated = sentence.is_estimated or any(_is_guessed(change) for change in differing)
    if is_estimated:
        text += _NEARLY
    return ChangeSentence(sentence.kind, text if is_whole else text + _PARTLY, is_estimated)


def _is_guessed(change: TensorChange) -> bool:
    is_estimated = change.delta is not None and change.delta.estimated
    return is_estimated and change.state in ("cast", "grown")


def _has_no_numbers(change: TensorChange) -> bool:
    """Whether values are new in it that are no numbers."""
    return change.delta is not None and change.delta.is_broken


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
    retyped = [change for change in differing if change.state == "retyped"]
    if not all(change.can_tell for change in retyped):
        text = f"converted {old} → {new}: the table says how far the values moved"
        if any(change.delta is None for change in retyped):
            count = _count(len(retyped), "tensor")
            text = f"{old} → {new}: how the values of {count} changed is not known"
        return ChangeSentence("shapes", text)
    if retyped:
        count = _count(len(retyped), "tensor")
        text = f"cast {old} → {new}, and the values of {count} changed beyond rounding"
        return ChangeSentence("shapes", text)
    some = ""
    if any(change.old_dtype == old and not change.differs for change in changes):
        some = f" in {len(differing):,} of {_count(len(changes), 'tensor')}"
    return ChangeSentence("cast", f"cast {old} → {new}{some}, no other change")


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
    if all(_has_words(change.name) for change in differing):
        noun = "vocabulary grown"
    names = _list_names([change.name for change in differing])
    text = f"{noun}: {old:,} → {new:,} rows in {names}, the others as before"
    return ChangeSentence("grown", text)


def _has_words(name: str) -> bool:
    return _VOCABULARY.search(name) is not None and _NO_WORDS.search(name) is None


def _describe_reordered(
    changes: Sequence[TensorChange], differing: Sequence[TensorChange]
) -> ChangeSentence | None:
    if any(change.state != "reordered" for change in differing):
        return None
    count = f"{len(differing):,} of {_count(len(changes), 'tensor')}"
    return ChangeSentence("reordered", f"laid out otherwise: {count}, every value as it was")


# What may have been done on purpose, and leaves values as they are.
_SPECIAL = (
    _describe_adapters,
    _describe_renamed,
    _describe_cast,
    _describe_grown,
    _describe_reordered,
)


def _count_rows(shape: tuple[int, ...] | None) -> int:
    return shape[0] if shape else 0


def _describe_mixture(differing: Sequence[TensorChange]) -> str:
    counts: dict[str, int] = {}
    for change in differing:
        words = _describe_state(change)
        counts[words] = counts.get(words, 0) + 1
    return ", ".join(f"{_count(count, 'tensor')} {words}" for words, count in counts.items())


def _describe_state(change: TensorChange) -> str:
    if change.state == "reshaped" and change.old_shape == change.new_shape:
        return "laid out otherwise"
    return _STATE_WORDS.get(change.state, change.state)


_STATE_WORDS = {
    "reordered": "laid out otherwise",
    "retyped": "of another type",
    "reshaped": "of another shape",
}


def _describe_values(
    changes: Sequence[TensorChange], differing: Sequence[TensorChange]
) -> ChangeSentence:
    """Say where the values changed, and how far."""
    count = f"{len(differing):,} of {_count(len(changes), 'tensor')} changed"
    groups = group_layers((change.name, change) for change in changes)
    layers = [layer for layer, _ in groups]
    changed = [layer for layer, members in groups if any(member.differs for member in members)]
    if len(differing) >= _ALMOST_ALL * len(changes) and len(changes) > 1:
        as_before = [layer for layer in layers if layer not in changed]
        if all(layer.number is None for layer in as_before):
            return _describe_all(changes, count, as_before)
    titles = _list_names([title for title, _ in join_layers(changed)])
    if _is_head(layers, changed):
        return ChangeSentence("head", f"{count}, head only ({titles})")
    return ChangeSentence("some", f"{count}, in {titles}")


def _describe_all(
    changes: Sequence[TensorChange], count: str, as_before: Sequence[LayerName]
) -> ChangeSentence:
    """Say how far all layers changed; `as_before` are parts of the model that did not."""
    text = f"{count}, all layers"
    if as_before:
        text += f" but {_list_names([str(layer) for layer in as_before])}"
    total = join_deltas(changes)
    relative = None if total is None else total.relative
    # Of quantised blocks nobody here knows how far they changed.
    is_measured = all(change.delta is not None for change in changes if change.differs)
    if total is None or relative is None or not is_measured:
        return ChangeSentence("some", text)
    if relative <= _SMALL:
        return ChangeSentence("small", f"{text}, small", total.estimated)
    return ChangeSentence("large", f"{text}, large", total.estimated)


def _is_head(layers: Sequence[LayerName], changed: Sequence[LayerName]) -> bool:
    """Whether only what comes behind the layers changed, or the last few of them as well.

    Files list tensors in any order: what comes last is told by numbers and by names alone.
    """
    changed_numbered = [layer for layer in changed if _is_numbered(layer)]
    numbered = [layer for layer in layers if _is_numbered(layer)]
    if changed_numbered:
        few = max(1, len(numbered) // _HEAD_SHARE)
        last = numbered[-len(changed_numbered) :]
        is_one_stack = len({layer.prefix for layer in numbered}) == 1
        if not is_one_stack or changed_numbered != last or not len(last) <= few < len(numbered):
            return False
    others = [layer for layer in changed if layer not in changed_numbered]
    return all(_comes_last(layer, layers) for layer in others) and len(changed) < len(layers)


def _is_numbered(layer: LayerName) -> bool:
    """Whether it is one of the layers of a model, and not of its head."""
    return layer.number is not None and _HEAD.search(layer.prefix) is None


def _comes_last(layer: LayerName, layers: Sequence[LayerName]) -> bool:
    """Whether a part is called as what comes behind the layers, or is the last of its like."""
    stacks = {_first_part(found) for found in layers if _is_numbered(found)}
    # What ends an encoder does not end the model where a decoder comes behind it.
    is_inside = len(stacks) > 1 and _first_part(layer) in stacks
    if is_inside or _STEM.search(layer.prefix):
        return False
    own = _ENDING_NUMBER.fullmatch(layer.prefix)
    if own is not None and layer.number is None:
        alike = [found for found in map(_match_ending, layers) if found and found[1] == own[1]]
        if len(alike) == len(layers):
            return len(alike) > 1 and int(own[2]) == max(int(found[2]) for found in alike)
    return _HEAD.search(layer.prefix) is not None


def _first_part(layer: LayerName) -> str:
    return layer.prefix.partition(".")[0]


def _match_ending(layer: LayerName) -> re.Match[str] | None:
    return None if layer.number is not None else _ENDING_NUMBER.fullmatch(layer.prefix)


def _list_names(names: Sequence[str]) -> str:
    listed = ", ".join(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        listed += f" and {len(names) - _NAMES_SHOWN:,} more"
    return listed


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
