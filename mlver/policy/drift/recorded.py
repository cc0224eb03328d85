"""A drift as a record keeps it, and the same judged again by the thresholds that count. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields

from mlver.digest import Digest
from mlver.errors import printable_name
from mlver.policy.drift.contradictions import is_close, list_false_columns
from mlver.policy.drift.verdict import (
    ColumnDrift,
    TableDrift,
    judge_measured,
    measure_tables,
)
from mlver.records.evaluation import EvaluationRecord, ServedData
from mlver.records.measured_drift import DriftKind, MeasuredColumn, MeasuredDrift
from mlver.records.profile import QUANTILES, TableProfile
from mlver.records.sections.insight import DriftThresholds
from mlver.records.values import Document
from mlver.records.version import VersionRecord

# The names of a drift among the metrics of its record, for lists and plots. No gate reads these.
METRICS, MOVED, JUDGED = "drift", "columns", "judged"
# What the other table is called in a record.
OTHER_SIDE: dict[DriftKind, str] = {"skew": "live", "drift": "before"}
_KEPT = tuple(field.name for field in fields(MeasuredColumn))
# Quantiles tell the distance of two columns to so much.
_KS_TOLERANCE = 2 / (QUANTILES - 1)
_ABSOLUTE = 1e-9
_OTHERWISE = "and the kept profiles say otherwise"
# More of what was served cannot be rows of the data set by chance, where those all differ.
MOST_REPEATED = 0.5


def keep_columns(measured: TableDrift) -> tuple[MeasuredColumn, ...]:
    """What a record keeps of measured columns."""
    kept: list[MeasuredColumn] = []
    for column in measured.columns:
        values = {name: getattr(column, name) for name in _KEPT}
        if column.new_kind == column.kind:
            values["new_kind"] = None
        kept.append(MeasuredColumn(**values))
    return tuple(kept)


def judge_recorded(drift: MeasuredDrift, thresholds: DriftThresholds) -> TableDrift:
    """Judge what a record measured by these thresholds, whatever its own were.

    Its p-values are taken as they are, for a log has no time to compute them: whatever decides asks
    `list_false_columns` first.
    """
    columns: list[ColumnDrift] = []
    for column in drift.columns:
        values = {name: getattr(column, name) for name in _KEPT}
        values["new_kind"] = column.new_kind or column.kind
        columns.append(ColumnDrift(**values))
    measured = TableDrift(
        verdict="inconclusive",
        old_rows=drift.old_rows,
        new_rows=drift.new_rows,
        columns=tuple(columns),
        removed=drift.removed,
        ignored=drift.ignored,
    )
    return judge_measured(measured, thresholds)


def summarise_drift(table: TableDrift) -> Document:
    """What a record keeps as metrics: how many columns moved of how many, and how far at most."""
    columns = table.columns
    largest = {
        "ks": _find_largest(column.ks for column in columns),
        "psi": _find_largest(column.psi for column in columns),
        "js": _find_largest(column.js for column in columns),
    }
    counts = {MOVED: len(table.drifted), JUDGED: table.judged}
    return {**counts, **{name: value for name, value in largest.items() if value is not None}}


def describe_recorded(drift: MeasuredDrift) -> str:
    """Say in a line what a record found by its own thresholds, for whatever shows versions."""
    table = judge_recorded(drift, drift.thresholds)
    name = printable_name(drift.dataset)
    gone = f", {len(table.removed):,} gone" if table.removed else ""
    if not table.judged:
        return f"nobody could tell whether {name} moved{gone}"
    columns = "1 column" if table.judged == 1 else f"{table.judged:,} columns"
    return f"{len(table.drifted):,} of {columns} of {name} moved{gone}"


def _find_largest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def find_other_side(evaluation: EvaluationRecord) -> Digest | None:
    """Find the digest of what a version's data was compared with; None where nobody named it."""
    if evaluation.drift is None:
        return None
    other = evaluation.data.get(OTHER_SIDE[evaluation.drift.kind])
    return other.digest if isinstance(other, ServedData) else None


def list_contradictions(evaluation: EvaluationRecord, version: VersionRecord) -> Iterator[str]:
    """Say where a recorded drift contradicts its version, or itself."""
    drift = evaluation.drift
    assert drift is not None
    own = version.data.get(drift.dataset)
    if own is None or own.digest != drift.digest:
        yield f"measured a drift of {drift.dataset}, which is not the data of {version.version}"
    counts = summarise_drift(judge_recorded(drift, drift.thresholds))
    if evaluation.metrics.get(METRICS) != counts:
        yield "says how many columns had moved, and its own distances say otherwise"
    if find_other_side(evaluation) is None:
        yield "measured a drift, and does not name by its digest what was compared"
    if evaluation.count not in (None, drift.new_rows):
        yield f"counted {evaluation.count:,} rows, and says that it compared {drift.new_rows:,}"
    yield from list_false_columns(drift)


def find_false_measure(drift: MeasuredDrift, old: TableProfile, new: TableProfile) -> str | None:
    """Say what was recorded otherwise than the profiles of the two tables tell, if anything."""
    if (drift.old_rows, drift.new_rows) != (old.rows, new.rows):
        return f"says how many rows were compared, {_OTHERWISE}"
    again = measure_tables(old, new, drift.ignored)
    if set(again.removed) != set(drift.removed) or set(again.ignored) != set(drift.ignored):
        return f"says which columns were not compared, {_OTHERWISE}"
    if [column.name for column in again.columns] != [column.name for column in drift.columns]:
        return f"says which columns were compared, {_OTHERWISE}"
    tolerance = _KS_TOLERANCE if drift.exact else _ABSOLUTE
    exact: dict[str, float] = {}
    for recorded, told in zip(drift.columns, again.columns, strict=True):
        if recorded.ks is not None and told.ks is not None:
            if abs(recorded.ks - told.ks) > tolerance:
                return f"says of {printable_name(recorded.name)} how far it moved, {_OTHERWISE}"
            exact[recorded.name] = recorded.ks
    columns = keep_columns(measure_tables(old, new, drift.ignored, exact))
    for recorded, kept in zip(drift.columns, columns, strict=True):
        if not _is_same_column(recorded, kept):
            return f"says of {printable_name(recorded.name)} how far it moved, {_OTHERWISE}"
    return None


def _is_same_column(recorded: MeasuredColumn, told: MeasuredColumn) -> bool:
    for name in _KEPT:
        first, second = getattr(recorded, name), getattr(told, name)
        if isinstance(first, float | int) and isinstance(second, float | int):
            if not is_close(first, second):
                return False
        elif first != second:
            return False
    return True
