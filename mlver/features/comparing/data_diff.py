"""`mlver diff --data`: a table of two versions, or of a version and the work tree, by its rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlver.content.tables.row_diff import RowDiff, compare_rows
from mlver.errors import MlverError, UsageError, printable_name, shell_command
from mlver.project.project import Project, ResolvedRef
from mlver.project.tables.comparing import OpenTables, opening_tables
from mlver.project.tables.sources import (
    TableSource,
    choose_data_name,
    find_live_table,
    find_version_table,
    scratch_for_tables,
)
from mlver.records.profile import ColumnKind, ColumnProfile, TableProfile
from mlver.records.version import VersionRecord

# Shares of the values that are not greater than what is shown: quartiles, and the ends.
_LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """What one side of a column holds.

    Numbers and times (in seconds since 1970) have a `mean`, a `variance` and `quantiles`: least,
    quartiles, greatest. Texts have so many `distinct` values.
    """

    count: int
    missing: int
    mean: float | None
    variance: float | None
    quantiles: tuple[float, ...]
    distinct: int | None

    @classmethod
    def read_from(cls, column: ColumnProfile) -> ColumnSummary:
        last = len(column.quantiles) - 1
        quantiles: tuple[float, ...] = ()
        if column.quantiles:
            quantiles = tuple(column.quantiles[int(level * last)] for level in _LEVELS)
        return cls(
            count=column.count,
            missing=column.missing,
            mean=column.mean,
            variance=column.variance,
            quantiles=quantiles,
            distinct=column.distinct,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDiff:
    """A column of either side; `old` or `new` is None where it is not there.

    `changed` are the rows with another value in it, None where rows are not known by a key. Of the
    most frequent categories, `added` and `removed` are those that only one side has.
    """

    name: str
    kind: ColumnKind
    old_type: str | None
    new_type: str | None
    old: ColumnSummary | None
    new: ColumnSummary | None
    changed: int | None
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return bool(self.changed) or self.old != self.new or self.old_type != self.new_type


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDiffResult:
    """How the data set `data` differs between `old` and `new`.

    `rows` is None where the bytes of a side are gone, and only its profile was compared.
    """

    data: str
    old: str
    new: str
    old_digest: str
    new_digest: str
    old_rows: int
    new_rows: int
    rows: RowDiff | None
    columns: tuple[ColumnDiff, ...]

    @property
    def differs(self) -> bool:
        return self.old_digest != self.new_digest


def diff_data(
    project: Project, a: str | None, b: str | None, name: str | None, key: tuple[str, ...]
) -> DataDiffResult:
    """Compare a data set of version `a` with that of version `b`, or with the work tree.

    Raise UsageError where it is not clear which data set is meant, or `key` is no key of it.
    """
    chosen = project.resolve_ref(a)
    other = None if b is None else project.resolve_ref(b, chosen.model)
    record, data = _choose_data(project, chosen, name)
    with scratch_for_tables(project, "diff") as folder:
        old = find_version_table(project, record, data, folder, what="diff")
        new = _find_other(project, record, other, data, folder)
        with opening_tables(old, new, folder) as tables:
            rows = _compare_rows(tables, key)
            columns = tuple(_compare_columns(*tables.profiles, rows))
            return DataDiffResult(
                data=data,
                old=old.label,
                new=new.label,
                old_digest=str(old.digest),
                new_digest=str(new.digest),
                old_rows=tables.profiles[0].rows,
                new_rows=tables.profiles[1].rows,
                rows=rows,
                columns=columns,
            )


def _choose_data(
    project: Project, chosen: ResolvedRef, name: str | None
) -> tuple[VersionRecord, str]:
    record, _ = project.registry.read_version(chosen.model, chosen.version)
    return record, choose_data_name(record, name)


def _find_other(
    project: Project,
    record: VersionRecord,
    other: ResolvedRef | None,
    data: str,
    folder: Path,
) -> TableSource:
    """The table of the other version; without one, the file in the work tree."""
    if other is not None:
        later, name = _choose_data(project, other, data)
        return find_version_table(project, later, name, folder, what="diff")
    path = record.data[data].path
    location = project.top_folder / path
    if record.data[data].is_remote or location.is_dir():
        raise UsageError(
            f"{printable_name(path)} is no single file: name a second version",
            hint=shell_command("mlver", "list", record.model),
        )
    return find_live_table(project, path, folder / "working", location=location)


def _compare_rows(tables: OpenTables, key: tuple[str, ...]) -> RowDiff | None:
    old, new = tables.loaded
    if tables.connection is not None and old is not None and new is not None:
        return compare_rows(tables.connection, old, new, key)
    if key:
        raise MlverError("--key compares rows, and of one side only a profile is left")
    return None


def _compare_columns(
    old: TableProfile, new: TableProfile, rows: RowDiff | None
) -> Iterator[ColumnDiff]:
    """Every column of either side, the new side's first."""
    names = [column.name for column in (*new.columns, *old.columns)]
    for name in dict.fromkeys(names):
        before, after = old.find_column(name), new.find_column(name)
        shown = after or before
        assert shown is not None
        added, removed = _compare_categories(before, after)
        yield ColumnDiff(
            name=name,
            kind=shown.kind,
            old_type=None if before is None else before.type,
            new_type=None if after is None else after.type,
            old=None if before is None else ColumnSummary.read_from(before),
            new=None if after is None else ColumnSummary.read_from(after),
            changed=None if rows is None else rows.cells.get(name),
            added=added,
            removed=removed,
        )


def _compare_categories(
    old: ColumnProfile | None, new: ColumnProfile | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if old is None or new is None:
        return (), ()
    before, after = dict(old.categories), dict(new.categories)
    # One that is not among the most frequent may be there all the same.
    is_whole_before = len(before) == old.distinct
    is_whole_after = len(after) == new.distinct
    added = tuple(name for name in after if is_whole_before and name not in before)
    removed = tuple(name for name in before if is_whole_after and name not in after)
    return added, removed
