"""Whether a table moved, column by column: by how far it did, and never by a p-value alone.

With millions of rows every difference is significant, and with hundreds of columns some are by
chance. So a column drifts only where its distance is one that matters, and its p-value, adjusted
for all that are tested, says that it is no accident.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from mlver.policy.drift import distances
from mlver.policy.drift.categories import pair_categories
from mlver.policy.drift.distribution import describe_quantiles
from mlver.policy.drift.probabilities import adjust_probabilities, find_counts_p, find_ks_p
from mlver.records.profile import ColumnKind, ColumnProfile, TableProfile
from mlver.records.sections.insight import DriftThresholds

DriftVerdict = Literal["drift", "none", "inconclusive"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """How one column moved from `old_count` values to `new_count`; None is what cannot be told.

    `psi` is without the part that noise has in it, `js` in bits. `mean_shift` is in standard
    deviations of the old values, `variance_shift` a share of their variance. `old_missing` and
    `new_missing` are shares of the rows. The p-values are adjusted. `reason` says what moved, or
    why that cannot be told.
    """

    name: str
    kind: ColumnKind
    new_kind: ColumnKind
    verdict: DriftVerdict = "inconclusive"
    reason: str | None = None
    old_count: int
    new_count: int
    ks: float | None = None
    psi: float | None = None
    js: float | None = None
    mean_shift: float | None = None
    variance_shift: float | None = None
    p: float | None = None
    old_missing: float = 0.0
    new_missing: float = 0.0
    missing_p: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDrift:
    """How two tables differ; `removed` and `added` are columns of one of them only.

    `ignored` are columns of the first table that nobody looks at: once it is judged, no removed one
    is among them.
    """

    verdict: DriftVerdict
    old_rows: int
    new_rows: int
    columns: tuple[ColumnDrift, ...]
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def drifted(self) -> tuple[str, ...]:
        """The names of the columns that moved."""
        return tuple(column.name for column in self.columns if column.verdict == "drift")

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The names of the columns of which nobody can tell."""
        return tuple(column.name for column in self.columns if column.verdict == "inconclusive")

    @property
    def judged(self) -> int:
        """How many columns have an answer."""
        return sum(column.verdict != "inconclusive" for column in self.columns)


def judge_drift(
    old: TableProfile,
    new: TableProfile,
    thresholds: DriftThresholds,
    exact_ks: Mapping[str, float] | None = None,
) -> TableDrift:
    """Judge the columns that both tables have.

    `exact_ks` are the distances of columns whose values were compared one by one: quantiles only
    come close to them.
    """
    return judge_measured(measure_tables(old, new, thresholds.ignore, exact_ks), thresholds)


def measure_tables(
    old: TableProfile,
    new: TableProfile,
    ignored: Collection[str] = (),
    exact_ks: Mapping[str, float] | None = None,
) -> TableDrift:
    """Measure the columns that both tables have; nothing is judged, and no p-value adjusted."""
    measured: list[ColumnDrift] = []
    for column in old.columns:
        other = new.find_column(column.name)
        if other is None or column.name in ignored:
            continue
        comparison = _ColumnComparison(column, other, old.rows, new.rows)
        measured.append(comparison.measure((exact_ks or {}).get(column.name)))
    old_names = [column.name for column in old.columns]
    new_names = [column.name for column in new.columns]
    return TableDrift(
        verdict="inconclusive",
        old_rows=old.rows,
        new_rows=new.rows,
        columns=tuple(measured),
        removed=tuple(name for name in old_names if name not in new_names),
        added=tuple(name for name in new_names if name not in old_names),
        ignored=tuple(name for name in old_names if name in ignored),
    )


def judge_measured(measured: TableDrift, thresholds: DriftThresholds) -> TableDrift:
    """Judge what was measured by thresholds, without the columns that these leave out.

    A column that is gone is a drift, whatever became of the others. A column that cannot be judged
    leaves it open whether the table moved, unless another one did.
    """
    looked_at = [column for column in measured.columns if column.name not in thresholds.ignore]
    has_rows = min(measured.old_rows, measured.new_rows) >= thresholds.rows
    columns = tuple(
        _judge_column(column, thresholds, has_rows=has_rows)
        for column in _adjust_columns(looked_at)
    )
    removed = tuple(name for name in measured.removed if name not in thresholds.ignore)
    verdict: DriftVerdict = "drift" if removed else _join_verdicts(columns)
    return replace(measured, verdict=verdict, columns=columns, removed=removed)


@dataclass(frozen=True, slots=True)
class _ColumnComparison:
    """A column as it was and as it is, among so many rows each."""

    old: ColumnProfile
    new: ColumnProfile
    old_rows: int
    new_rows: int

    def measure(self, exact_ks: float | None) -> ColumnDrift:
        """Measure it; the p-values are not adjusted yet."""
        old_missing, new_missing = self.old.missing, self.new.missing
        missing_p = None
        if old_missing or new_missing:
            missing_p = find_counts_p(
                (old_missing, self.old_rows - old_missing),
                (new_missing, self.new_rows - new_missing),
            )
        drift = ColumnDrift(
            name=self.old.name,
            kind=self.old.kind,
            new_kind=self.new.kind,
            old_count=self.old.count,
            new_count=self.new.count,
            old_missing=old_missing / self.old_rows if self.old_rows else 0.0,
            new_missing=new_missing / self.new_rows if self.new_rows else 0.0,
            missing_p=missing_p,
        )
        fault = self._find_fault()
        if fault is not None:
            return replace(drift, reason=fault)
        if self.old.is_ordered:
            return self._measure_numbers(drift, exact_ks)
        return self._measure_categories(drift)

    def _find_fault(self) -> str | None:
        """Why the values cannot be compared; None where they can."""
        if not self.old.count or not self.new.count:
            return "it has no values on one side"
        if self.old.kind != self.new.kind:
            return f"it was a {self.old.kind}, and is a {self.new.kind} now"
        if self.old.kind == "other":
            return f"nobody compares values of the type {self.old.type}"
        if self.old.is_identifier or self.new.is_identifier:
            return "nearly every value is another one"
        return None

    def _measure_numbers(self, drift: ColumnDrift, exact_ks: float | None) -> ColumnDrift:
        old, new = describe_quantiles(self.old.quantiles), describe_quantiles(self.new.quantiles)
        counts = distances.count_bins(old, new, (self.old.count, self.new.count))
        ks = distances.measure_ks(old, new) if exact_ks is None else exact_ks
        return replace(
            drift,
            ks=ks,
            psi=distances.measure_psi(*counts),
            js=distances.measure_js(*counts),
            p=find_ks_p(ks, self.old.count, self.new.count),
            mean_shift=distances.measure_mean_shift(
                self.old.mean or 0.0, self.old.variance or 0.0, self.new.mean or 0.0
            ),
            variance_shift=distances.measure_variance_shift(
                self.old.variance or 0.0, self.new.variance or 0.0
            ),
        )

    def _measure_categories(self, drift: ColumnDrift) -> ColumnDrift:
        old, new = pair_categories(self.old, self.new)
        return replace(
            drift,
            psi=distances.measure_psi(old, new),
            js=distances.measure_js(old, new),
            p=find_counts_p(old, new),
        )


def _adjust_columns(columns: Sequence[ColumnDrift]) -> Iterator[ColumnDrift]:
    """Adjust all p-values together: those of the values, and those of what is missing."""
    tested = [column.p for column in columns if column.p is not None]
    tested += [column.missing_p for column in columns if column.missing_p is not None]
    adjusted = iter(adjust_probabilities(tested))
    values = [next(adjusted) if column.p is not None else None for column in columns]
    missing = [next(adjusted) if column.missing_p is not None else None for column in columns]
    for column, p, missing_p in zip(columns, values, missing, strict=True):
        yield replace(column, p=p, missing_p=missing_p)


def _judge_column(
    column: ColumnDrift, thresholds: DriftThresholds, *, has_rows: bool
) -> ColumnDrift:
    if not has_rows:
        return replace(column, reason=f"fewer than {thresholds.rows} rows")
    moved = list(_list_moves(column, thresholds))
    has_values = min(column.old_count, column.new_count) >= thresholds.rows
    if column.kind != column.new_kind and has_values:
        return replace(column, verdict="drift")
    if moved:
        return replace(column, verdict="drift", reason="; ".join(moved))
    if column.p is None:
        return column
    if not has_values:
        return replace(column, reason=f"fewer than {thresholds.rows} values")
    return replace(column, verdict="none")


def _list_moves(column: ColumnDrift, thresholds: DriftThresholds) -> Iterator[str]:
    """What moved further than a threshold allows, and not by chance."""
    gap = abs(column.new_missing - column.old_missing)
    if column.missing_p is not None and column.missing_p < thresholds.p and gap >= thresholds.ks:
        yield "missing values"
    has_values = min(column.old_count, column.new_count) >= thresholds.rows
    if column.p is None or column.p >= thresholds.p or not has_values:
        return
    if column.ks is not None:
        if column.ks >= thresholds.ks:
            yield "KS"
    elif column.js is not None and column.js >= thresholds.js:
        yield "JS"
    if column.psi is not None and column.psi >= thresholds.psi:
        yield "PSI"


def _join_verdicts(columns: Sequence[ColumnDrift]) -> DriftVerdict:
    verdicts = {column.verdict for column in columns}
    if "drift" in verdicts:
        return "drift"
    return "none" if verdicts == {"none"} else "inconclusive"
