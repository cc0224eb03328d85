"""Compares what came out of a training with what the version's record pins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mlver.content.tensors.distance import FileDistance, measure_distance
from mlver.content.tensors.files import has_tensors, read_tensors
from mlver.content.tensors.sources import DescriptorSource
from mlver.content.tensors.tensor import TensorFault, TensorFile
from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, refusal_error
from mlver.hashing.measure import MeasuredArtifact
from mlver.project.artifacts import measuring
from mlver.project.project import Project
from mlver.project.worktree import value_files
from mlver.project.worktree.value_files import ValueSource
from mlver.records.artifact import Artifact
from mlver.records.manifest import ManifestEntry
from mlver.records.reproduction import ComparedValues, ReproductionAnswer
from mlver.records.values import Document, flatten_values, is_same_value
from mlver.records.version import VersionRecord
from mlver.system.regular import open_regular

_MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """How what came out compares: `weights` is its digest, `differing` says in what it differs."""

    answer: ReproductionAnswer
    weights: Digest
    values: ComparedValues | None
    differing: tuple[str, ...]


def measure_weights(project: Project, record: VersionRecord, code: Path) -> MeasuredArtifact:
    """Measure the weights that a command wrote; raise MlverError where it wrote none."""
    path = record.weights.path
    if not os.path.lexists(code / path):
        raise MlverError(
            f"the command ended well, and wrote nothing to {printable_name(path)}, where the"
            " weights of the version lay"
        )
    # The rules of the version's own commit say what belongs to an artifact.
    return measuring.measure_into(Project.find_from(code, project.reporter), path, None)


def compare_weights(
    project: Project,
    weights: Artifact,
    measured: MeasuredArtifact,
    code: Path,
    bring_recorded: Callable[[], Path],
    tolerance: float,
) -> Comparison:
    """Compare the weights that came out, byte by byte and then number by number.

    `bring_recorded` puts the recorded ones in place, and says where.
    """
    if measured.digest == weights.digest:
        return Comparison("identical", measured.digest, None, ())
    recorded = _list_digests(measuring.pinned_files(project, weights))
    found = _list_digests(measuring.measured_files(measured, weights.path))
    differing = [f"{_name(name)} is missing" for name in recorded.keys() - found.keys()]
    differing += [f"{_name(name)} is new" for name in found.keys() - recorded.keys()]
    changed = sorted(
        name for name in recorded.keys() & found.keys() if recorded[name] != found[name]
    )
    try:
        place = bring_recorded()
    except MlverError as error:
        differing += [f"{_name(name)} has other bytes" for name in changed]
        differing.append(f"numbers were not compared: {printable_name(error.message)}")
        return _conclude(measured.digest, None, differing, is_equal=False)
    values = _NumberComparison(place, code / weights.path, tolerance)
    for name in changed:
        values.add_file(os.fsdecode(name))
    is_equal = not differing and values.is_equal
    return _conclude(
        measured.digest, values.summarise(), [*differing, *values.differing], is_equal=is_equal
    )


def _conclude(
    digest: Digest, values: ComparedValues | None, differing: list[str], *, is_equal: bool
) -> Comparison:
    shown = sorted(differing)[:_MOST_LISTED]
    if len(differing) > _MOST_LISTED:
        shown.append(f"and {len(differing) - _MOST_LISTED:,} more")
    return Comparison("within" if is_equal else "different", digest, values, tuple(shown))


def _list_digests(listing: Iterable[ManifestEntry]) -> dict[bytes, str]:
    return {entry[0]: entry[1] for entry in listing}


def _name(path: bytes) -> str:
    return printable_name(os.fsdecode(path)) or "the file"


class _NumberComparison:
    """Compares the numbers of files that differ, one after the other."""

    def __init__(self, recorded: Path, found: Path, tolerance: float) -> None:
        self.recorded = recorded
        self.found = found
        self.tolerance = tolerance
        self.is_equal = True
        self.differing: list[str] = []
        self._tensors = 0
        self._largest: float | None = 0.0
        self._relative: float | None = 0.0

    def add_file(self, name: str) -> None:
        old = self.recorded / name if name else self.recorded
        new = self.found / name if name else self.found
        shown = printable_name(name or new.name)
        if not has_tensors(new.name):
            self._differ(f"{shown} has other bytes")
            return
        try:
            apart = _measure_files(old, new, shown)
        except MlverError as error:
            self._differ(
                f"{shown} has other bytes, and its numbers were not compared:"
                f" {printable_name(error.message)}"
            )
            return
        if isinstance(apart, str):
            self._differ(f"{shown}: {printable_name(apart)}")
            return
        self._tensors += apart.tensors
        self._join(apart.largest, apart.relative)
        if apart.largest is None:
            self._differ(f"{shown}: a number stands against one that is none")
            return
        self.differing.append(f"{shown}: by at most {apart.largest:.3g}")
        if apart.largest > self.tolerance:
            self.is_equal = False

    def _join(self, largest: float | None, relative: float | None) -> None:
        if self._largest is None or largest is None or self._relative is None or relative is None:
            self._largest = self._relative = None
        else:
            self._largest = max(self._largest, largest)
            self._relative = max(self._relative, relative)

    def _differ(self, words: str) -> None:
        self.is_equal = False
        self.differing.append(words)

    def summarise(self) -> ComparedValues | None:
        if not self._tensors:
            return None
        return ComparedValues(
            tensors=self._tensors,
            largest=self._largest,
            relative=self._relative,
            tolerance=self.tolerance,
        )


def _measure_files(old: Path, new: Path, shown: str) -> FileDistance | str:
    """Measure how far the numbers of two files are apart; raise MlverError where nobody can."""
    descriptors: list[int] = []

    def open_beside(path: Path, name: str) -> DescriptorSource | None:
        if not (path.parent / name).is_file():
            return None
        descriptors.append(open_regular(path.parent / name, follow=True))
        return DescriptorSource.of_descriptor(descriptors[-1])

    try:
        found: list[TensorFile] = []
        for path in (old, new):
            descriptors.append(open_regular(path, follow=True))
            source = DescriptorSource.of_descriptor(descriptors[-1])
            found.append(read_tensors(source, new.name, partial(open_beside, path)))
        return measure_distance(*found)
    except TensorFault as fault:
        raise MlverError(f"{shown} is damaged: {fault}") from None
    except OSError as error:
        raise refusal_error(f"reading {shown}", error, outcome="") from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def read_metrics(project: Project, record: VersionRecord, code: Path) -> Document:
    """Read the metrics that a training wrote; none where it wrote none that can be read."""
    try:
        settings = project.registry.read_settings(record.model)
        if settings is None or not settings.metrics:
            return {}
        source = ValueSource(settings.metrics, settings.metric_keys, "--metric-key")
        metrics, _ = value_files.gather_replaced(code, source, (), {})
        value_files.check_numbers(metrics, "the metrics")
    except MlverError:
        return {}
    return metrics


def list_differing_metrics(record: VersionRecord, metrics: Mapping[str, object]) -> list[str]:
    """Say which metrics came out otherwise; they decide nothing, as some measure time."""
    found = flatten_values(metrics)
    differing: list[str] = []
    for name, recorded in flatten_values(record.metrics).items():
        if name in found and not is_same_value(found[name], recorded):
            shown = printable_name(name)
            differing.append(f"metric {shown}: {found[name]} against {recorded}"[:500])
    return differing[:_MOST_LISTED]
