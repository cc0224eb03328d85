"""What `diff --data` prints."""

from __future__ import annotations

from mlver.content.tables.row_diff import RowDiff
from mlver.features.comparing.data_diff import ColumnDiff, ColumnSummary, DataDiffResult
from mlver.terminal.links import draw_hidden_count
from mlver.terminal.screen import Cell, Part, TextScreen
from mlver.terminal.words import distinguish_values

# A screen shows the first of many; --json has more room.
_COLUMNS_SHOWN = 20
_NAMES_SHOWN = 5
_HEADERS = ("column", "changed", "mean", "variance", "median", "missing", "")


def draw_data_diff(result: DataDiffResult, screen: TextScreen) -> None:
    screen.draw_line((result.old, "name"), " → ", (result.new, "name"))
    if not result.differs:
        screen.draw_line("  the same bytes")
        return
    _draw_rows(result, screen)
    differing = [column for column in result.columns if column.differs]
    screen.draw_line(f"  columns  {len(differing):,} of {len(result.columns):,} differ")
    rows = [_build_row(column) for column in differing[:_COLUMNS_SHOWN]]
    # Columns of the screen that say nothing of any column of the data are left out.
    kept = [0, *(place for place in range(1, 6) if any(row[place] for row in rows)), 6]
    screen.draw_table(
        [[row[place] for place in kept] for row in rows],
        headers=[_HEADERS[place] for place in kept],
        right=(1,) if 1 in kept else (),
        indent=2,
        fold=len(kept) - 1,
    )
    draw_hidden_count(len(differing) - _COLUMNS_SHOWN, screen, indent=2, noun=" columns")


def _draw_rows(result: DataDiffResult, screen: TextScreen) -> None:
    parts: list[Part] = [f"  rows     {result.old_rows:,} → {result.new_rows:,}"]
    if result.rows is None:
        parts.append(("  only a profile is left of one side", "dim"))
    else:
        parts += _list_row_counts(result.rows)
    screen.draw_line(*parts, hang=2)


def _list_row_counts(rows: RowDiff) -> list[Part]:
    parts: list[Part] = []
    if rows.added:
        parts.append((f"  {rows.added:,} added", "good"))
    if rows.removed:
        parts.append((f"  {rows.removed:,} removed", "bad"))
    if rows.changed:
        parts.append((f"  {rows.changed:,} changed", "warn"))
    if not parts:
        parts.append("  the same rows")
    parts.append((f"  by {', '.join(rows.key)}" if rows.key else "  by whole rows", "dim"))
    return parts


def _build_row(column: ColumnDiff) -> list[Cell]:
    if column.old is None:
        return [column.name, "", "", "", "", "", (f"added: {column.new_type}", "good")]
    if column.new is None:
        return [column.name, "", "", "", "", "", (f"removed: {column.old_type}", "bad")]
    old, new = column.old, column.new
    return [
        column.name,
        "" if column.changed is None else f"{column.changed:,}",
        _format_pair(old.mean, new.mean),
        _format_pair(old.variance, new.variance),
        _format_pair(_find_median(old), _find_median(new)),
        "" if old.missing == new.missing else f"{old.missing:,} → {new.missing:,}",
        (_describe_column(column, old, new), "dim"),
    ]


def _find_median(summary: ColumnSummary) -> float | None:
    return summary.quantiles[2] if summary.quantiles else None


def _format_pair(old: float | None, new: float | None) -> str:
    if old is None or new is None:
        return ""
    if old == new:
        return f"{old:.4g}"
    return " → ".join(distinguish_values(old, new))


def _describe_column(column: ColumnDiff, old: ColumnSummary, new: ColumnSummary) -> str:
    words: list[str] = []
    if column.old_type != column.new_type:
        words.append(f"{column.old_type} → {column.new_type}")
    if old.distinct != new.distinct:
        words.append(f"{old.distinct or 0:,} → {new.distinct or 0:,} values")
    for sign, names in (("+", column.added), ("−", column.removed)):
        words += [f"{sign}{name}" for name in names[:_NAMES_SHOWN]]
        if len(names) > _NAMES_SHOWN:
            words.append(f"{sign}{len(names) - _NAMES_SHOWN:,} more")
    return ", ".join(words)
