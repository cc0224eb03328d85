"""The tensors of two sides compared: by their bytes where these are here, else by what is kept."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from mlver.content.tensors import elements
from mlver.content.tensors.deltas import (
    BlockPair,
    MeasuredChange,
    check_cast,
    count_broken,
    estimate_delta,
    make_zero_delta,
    measure_delta,
    starts_with,
)
from mlver.content.tensors.digesting import can_summarise, digest_tensor
from mlver.content.tensors.strides import order_elements
from mlver.content.tensors.tensor import Tensor
from mlver.policy.weights.changes import ChangeState, Delta, TensorChange
from mlver.records.tensors import KeptTensor

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideTensor:
    """A tensor of one side.

    `found` is it with its bytes, None where these are elsewhere; then `kept` says what is known.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    found: Tensor | None = None
    kept: KeptTensor | None = None

    @classmethod
    def from_found(cls, tensor: Tensor) -> SideTensor:
        return cls(
            name=tensor.name,
            dtype=tensor.dtype,
            shape=tensor.shape,
            strides=tensor.strides,
            found=tensor,
        )

    @classmethod
    def from_kept(cls, tensor: KeptTensor) -> SideTensor:
        return cls(
            name=tensor.name,
            dtype=tensor.dtype,
            shape=tensor.shape,
            strides=tensor.strides,
            kept=tensor,
        )

    def describe(self) -> KeptTensor:
        """What would be kept of it, read from its bytes where these are here."""
        if self.kept is not None:
            return self.kept
        assert self.found is not None
        return digest_tensor(self.found, summarise=can_summarise())


@dataclass(frozen=True, slots=True)
class TensorComparer:
    """Compares tensors one pair after another, with two buffers in all.

    `measures`: numpy is here, and says how far apart they are; else only whether they differ.
    """

    progress: Progress
    measures: bool
    _pair: BlockPair = field(default_factory=BlockPair, init=False)

    def compare_sides(
        self, old: Mapping[str, SideTensor], new: Mapping[str, SideTensor]
    ) -> tuple[TensorChange, ...]:
        """Compare all tensors of both sides; raise TensorFault where a file ends too soon."""
        changes: list[TensorChange] = []
        for name, tensor in new.items():
            if name in old:
                changes.append(self._compare_pair(old[name], tensor))
        removed = [tensor for name, tensor in old.items() if name not in new]
        added = [tensor for name, tensor in new.items() if name not in old]
        return tuple(changes + self._match_renamed(removed, added))

    def _compare_pair(self, old: SideTensor, new: SideTensor) -> TensorChange:
        change = _describe_pair(old, new, "reshaped")
        is_reordered = old.strides != new.strides
        if is_reordered and old.found is not None and new.found is not None:
            old, new = (SideTensor.from_found(order_elements(f)) for f in (old.found, new.found))
        has_grown = old.shape != new.shape
        is_grown_alike = old.dtype == new.dtype and _has_more_rows(old, new)
        if old.strides != new.strides or (has_grown and not is_grown_alike):
            return replace(change, delta=self._count_broken(old, new))
        measurement = self._measure_pair(old, new)
        state: ChangeState
        if has_grown:
            state = "grown" if measurement.found_equal else "reshaped"
        elif old.dtype != new.dtype:
            state = "cast" if measurement.rounds else "retyped"
        elif measurement.found_equal:
            state = "reordered" if is_reordered else "same"
        else:
            state = "changed"
        can_tell = state != "retyped" or measurement.rounds is not None
        return replace(change, state=state, delta=measurement.delta, can_tell=can_tell)

    def _count_broken(self, old: SideTensor, new: SideTensor) -> Delta | None:
        """What is no number in a tensor of another shape, where nothing else can be measured."""
        if not self.measures and new.found is not None:
            return None
        return count_broken(self._describe(new), self._describe(old))

    def _measure_pair(self, old: SideTensor, new: SideTensor) -> MeasuredChange:
        """Measure two tensors by the best that is known of both."""
        if old.found is None or new.found is None:
            return self._estimate_pair(old, new)
        is_measurable = elements.can_measure(old.dtype) and elements.can_measure(new.dtype)
        if self.measures and is_measurable:
            measurement = measure_delta(old.found, new.found, self._pair)
        elif self.measures and old.dtype != new.dtype:
            return self._estimate_pair(old, new)
        elif old.dtype != new.dtype:
            rounds = check_cast(old.found, new.found, self._pair)
            measurement = MeasuredChange(None, found_equal=False, rounds=rounds)
        else:
            is_equal = starts_with(new.found.content, old.found.content, self._pair)
            measurement = MeasuredChange(None, is_equal)
        self.progress(old.found.content.size + new.found.content.size)
        return measurement

    def _estimate_pair(self, old: SideTensor, new: SideTensor) -> MeasuredChange:
        old_kept, new_kept = self._describe(old), self._describe(new)
        if (old.dtype, old.shape) == (new.dtype, new.shape):
            if old_kept.digest == new_kept.digest:
                return MeasuredChange(make_zero_delta(new_kept), found_equal=True)
            # A few elements that are equal say nothing of all of them.
            estimate = estimate_delta(old_kept, new_kept)
            return MeasuredChange(None if estimate is None else estimate.delta, found_equal=False)
        broken = count_broken(new_kept, old_kept)
        unknown = MeasuredChange(broken, found_equal=False, rounds=None)
        return estimate_delta(old_kept, new_kept) or unknown

    def _describe(self, tensor: SideTensor) -> KeptTensor:
        """Describe a tensor, from its bytes where these are here."""
        kept = tensor.describe()
        if tensor.found is not None:
            self.progress(tensor.found.content.size)
        return kept

    def _match_renamed(
        self, removed: Iterable[SideTensor], added: Sequence[SideTensor]
    ) -> list[TensorChange]:
        """Find what has another name only.

        Only what could be the same is read for it, and what is new where NaN can be counted.
        """
        kinds = {_key_of(tensor) for tensor in added}
        former: dict[tuple[object, str], list[SideTensor]] = {}
        changes: list[TensorChange] = []
        for tensor in removed:
            if _key_of(tensor) in kinds:
                key = _key_of(tensor), self._describe(tensor).digest
                former.setdefault(key, []).append(tensor)
            else:
                changes.append(_describe_lone(tensor, "removed"))
        former_kinds = {kind for kind, _ in former}
        for tensor in added:
            candidates: list[SideTensor] = []
            kept: KeptTensor | None = None
            if self.measures or tensor.found is None or _key_of(tensor) in former_kinds:
                kept = self._describe(tensor)
                candidates = former.get((_key_of(tensor), kept.digest), [])
            if candidates:
                # Of several that are equal, such as biases of zeros, the one with the likest name.
                old = max(candidates, key=partial(_count_common_end, tensor.name))
                candidates.remove(old)
                changes.append(_describe_pair(old, tensor, "renamed"))
            else:
                delta = None if kept is None else count_broken(kept)
                changes.append(replace(_describe_lone(tensor, "added"), delta=delta))
        for tensors in former.values():
            changes += [_describe_lone(tensor, "removed") for tensor in tensors]
        return changes


def _key_of(tensor: SideTensor) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    return tensor.dtype, tensor.shape, tensor.strides


def _count_common_end(name: str, other: SideTensor) -> int:
    return len(posixpath.commonprefix([name[::-1], other.name[::-1]]))


def _has_more_rows(old: SideTensor, new: SideTensor) -> bool:
    if not old.shape or len(old.shape) != len(new.shape) or new.strides:
        return False
    return old.shape[1:] == new.shape[1:] and old.shape[0] < new.shape[0]


def _describe_pair(old: SideTensor, new: SideTensor, state: ChangeState) -> TensorChange:
    return TensorChange(
        name=new.name,
        old_name=old.name,
        state=state,
        old_dtype=old.dtype,
        new_dtype=new.dtype,
        old_shape=old.shape,
        new_shape=new.shape,
    )


def _describe_lone(tensor: SideTensor, state: ChangeState) -> TensorChange:
    """Describe a tensor that the other side lacks."""
    is_old = state == "removed"
    return TensorChange(
        name=tensor.name,
        old_name=tensor.name,
        state=state,
        old_dtype=tensor.dtype if is_old else None,
        new_dtype=None if is_old else tensor.dtype,
        old_shape=tensor.shape if is_old else None,
        new_shape=None if is_old else tensor.shape,
    )
