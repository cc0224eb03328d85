"""`mlver diff --weights`: what became of the tensors of two versions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlver.content.tensors.comparing import TensorComparer
from mlver.content.tensors.digesting import can_summarise
from mlver.content.tensors.tensor import TensorFault
from mlver.errors import MlverError, printable_name
from mlver.policy.weights.changes import Distance, TensorChange, join_deltas
from mlver.policy.weights.groups import cut_name, group_layers, join_layers
from mlver.policy.weights.sentence import ChangeKind, describe_changes
from mlver.project.artifacts.tensor_sources import open_sources
from mlver.project.artifacts.weight_sides import (
    WeightsSide,
    open_version_side,
    open_working_side,
)
from mlver.project.project import Project

_VERIFY = "mlver verify --all"


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorGroup:
    """Tensors whose names begin alike; `farthest` is the one with most of the differences.

    `distance` is None where nothing was measured, `share` that of the group of all differences.
    """

    name: str
    tensors: int
    changed: int
    values: int
    distance: Distance | None
    share: float | None
    farthest: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedTensor:
    """A tensor that differs; types and shapes are None on the side that lacks it."""

    name: str
    old_name: str
    state: str
    old_dtype: str | None
    new_dtype: str | None
    old_shape: tuple[int, ...] | None
    new_shape: tuple[int, ...] | None
    distance: Distance | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedNames:
    """What unpickling a file would load, were it done. It is a list, not a verdict."""

    side: str
    file: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsResult:
    """`kind` is of a closed set, and `sentence` says it in words.

    `estimated`: they rest on a few values of each tensor, and other values may say otherwise.

    `kept` names the sides whose bytes are elsewhere: what was kept of their tensors is compared.
    `measured`: what reckons with many values is installed. `tensors`, `changed` and `values` count
    those of both sides together.
    """

    old: str
    new: str
    kind: ChangeKind
    estimated: bool
    sentence: str
    tensors: int
    changed: int
    values: int
    formats: tuple[str, ...]
    kept: tuple[str, ...]
    measured: bool
    distance: Distance | None
    groups: tuple[TensorGroup, ...]
    differing: tuple[ChangedTensor, ...]
    imports: tuple[ImportedNames, ...]
    remarks: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether any tensor does."""
        return self.changed > 0


def diff_weights(
    project: Project, a: str | None, b: str | None = None, *, depth: int | None = None
) -> WeightsResult:
    """Compare the tensors of version `a` with those of `b`, or of the work tree.

    `depth` is how many parts of a name a group has; without it, groups are layers. Raise MlverError
    where a side has no tensors that can be read.
    """
    chosen = project.resolve_ref(a)
    with open_sources(project) as opener:
        old = open_version_side(project, opener, chosen)
        if b is None:
            new = open_working_side(project, opener, chosen.model)
        else:
            new = open_version_side(project, opener, project.resolve_ref(b, chosen.model))
        changes = _compare_sides(project, old, new)
        is_same = not any(change.differs for change in changes)
        same_file = is_same and old.find_digest() == new.find_digest()
    remarks = (*_list_remarks(old), *_list_remarks(new))
    sentence = describe_changes(changes, same_file=same_file, is_whole=not remarks)
    return WeightsResult(
        old=old.label,
        new=new.label,
        kind=sentence.kind,
        estimated=sentence.is_estimated,
        sentence=sentence.text,
        tensors=len(changes),
        changed=sum(change.differs for change in changes),
        values=sum(change.values for change in changes),
        formats=_list_formats(old, new),
        kept=tuple(side.label for side in (old, new) if side.is_kept),
        measured=can_summarise(),
        distance=Distance.from_delta(join_deltas(changes)),
        groups=tuple(_summarise_groups(changes, depth)),
        differing=tuple(_describe_tensor(change) for change in changes if change.differs),
        imports=(*_list_imports(old), *_list_imports(new)),
        remarks=remarks,
    )


def _compare_sides(
    project: Project, old: WeightsSide, new: WeightsSide
) -> tuple[TensorChange, ...]:
    with_files = old.has_twins or new.has_twins
    comparer = TensorComparer(project.reporter.advance_work, can_summarise())
    project.reporter.begin_work("comparing tensors", None)
    try:
        return comparer.compare_sides(
            old.name_tensors(with_files=with_files), new.name_tensors(with_files=with_files)
        )
    except TensorFault as fault:
        message = f"the weights of {old.label} and {new.label} cannot be compared"
        raise MlverError(f"{message}: {printable_name(str(fault))}", hint=_VERIFY) from None
    finally:
        project.reporter.end_work()


def _list_formats(old: WeightsSide, new: WeightsSide) -> tuple[str, ...]:
    formats = [file.format for side in (old, new) for file in side.files]
    return tuple(dict.fromkeys(formats))


def _list_imports(side: WeightsSide) -> Iterable[ImportedNames]:
    for file in side.files:
        if file.imports:
            yield ImportedNames(side=side.label, file=file.name, names=file.imports)


def _list_remarks(side: WeightsSide) -> Iterable[str]:
    for remark in side.remarks:
        yield f"{side.label}: {remark}"
    for file in side.files:
        if file.remark is not None:
            yield f"{side.label}: {file.remark}"


def _summarise_groups(changes: Sequence[TensorChange], depth: int | None) -> Iterable[TensorGroup]:
    total = join_deltas(changes)
    whole = 0.0 if total is None else total.squared_delta
    for name, members in _split_groups(changes, depth):
        delta = join_deltas(members)
        share = None
        # Squares that are too large for double precision have no shares.
        if delta is not None and 0 < whole < math.inf:
            share = delta.squared_delta / whole
        yield TensorGroup(
            name=name,
            tensors=len(members),
            changed=sum(member.differs for member in members),
            values=sum(member.values for member in members),
            distance=Distance.from_delta(delta),
            share=share,
            farthest=_find_farthest(members),
        )


def _split_groups(
    changes: Sequence[TensorChange], depth: int | None
) -> list[tuple[str, list[TensorChange]]]:
    """Put tensors together: by the first parts of their names, or by runs of layers."""
    if depth is not None:
        groups: dict[str, list[TensorChange]] = {}
        for change in changes:
            groups.setdefault(cut_name(change.name, depth), []).append(change)
        return list(groups.items())
    layers = group_layers((change.name, change) for change in changes)
    members = dict(layers)
    joined: list[tuple[str, list[TensorChange]]] = []
    for title, run in join_layers([layer for layer, _ in layers]):
        joined.append((title, [change for layer in run for change in members[layer]]))
    return joined


def _find_farthest(members: Iterable[TensorChange]) -> str | None:
    """The tensor with most of the differences: relative to itself, a bias near zero would be."""
    farthest, most = None, 0.0
    for member in members:
        if member.delta is not None and member.delta.squared_delta > most:
            farthest, most = member.name, member.delta.squared_delta
    return farthest


def _describe_tensor(change: TensorChange) -> ChangedTensor:
    return ChangedTensor(
        name=change.name,
        old_name=change.old_name,
        state=change.state,
        old_dtype=change.old_dtype,
        new_dtype=change.new_dtype,
        old_shape=change.old_shape,
        new_shape=change.new_shape,
        distance=Distance.from_delta(change.delta),
    )
