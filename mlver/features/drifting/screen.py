"""What drift prints."""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.features.drifting.drift import DriftResult
from mlver.policy.drift.verdict import ColumnDrift
from mlver.terminal.links import draw_hidden_count, draw_hints
from mlver.terminal.screen import Cell, Style, TextScreen
from mlver.terminal.words import format_count, join_listed

# A screen shows the first of many; --json has more room.
_COLUMNS_SHOWN = 20
_STYLES: dict[str, Style] = {"drift": "bad", "none": "good", "inconclusive": "warn"}
_ORDER = {"drift": 0, "inconclusive": 1, "none": 2}
_HEADERS = ("column", "", "KS", "PSI", "JS", "mean", "variance", "missing", "p", "")
_RIGHT = range(2, 9)


def draw_drift(result: DriftResult, screen: TextScreen) -> None:
    table = result.table
    _draw_answer(result, screen)
    screen.draw_line(
        f"  {result.old} ({table.old_rows:,} rows) → {result.new} ({table.new_rows:,} rows)", hang=2
    )
    ranked = sorted(table.columns, key=_rank_column)
    rows = [_build_row(column) for column in ranked[:_COLUMNS_SHOWN]]
    screen.draw_table(rows, headers=_HEADERS, right=_RIGHT, indent=2, fold=9)
    draw_hidden_count(len(ranked) - _COLUMNS_SHOWN, screen, indent=2, noun=" columns")
    _draw_names("gone", table.removed, screen)
    _draw_names("only now", table.added, screen)
    _draw_names("not looked at", table.ignored, screen)
    if not result.exact:
        screen.draw_line(("  from profiles: KS may be off by 0.004", "dim"))
    if result.evaluation is not None:
        version = f"{result.model} {result.version}"
        recorded = "recorded as" if result.commit is not None else "recorded already as"
        screen.draw_line(f"{recorded} evaluation {result.evaluation} of {version}")
    draw_hints(_suggest_ignoring(result), screen)


def _draw_answer(result: DriftResult, screen: TextScreen) -> None:
    table = result.table
    between = f" between {result.old} and {result.new}"
    if result.kind == "skew":
        between = f" between {result.old} and what is served"
    if result.answer == "inconclusive":
        screen.draw_line(("Inconclusive", "warn"), f": {_explain_doubt(result)}")
        return
    moved = f"{len(table.drifted):,} of {format_count(len(table.columns), 'column')} moved"
    if table.removed:
        moved += f", {len(table.removed):,} {'is' if len(table.removed) == 1 else 'are'} gone"
    word = result.kind.capitalize() if table.verdict == "drift" else f"No {result.kind}"
    screen.draw_line((word, _STYLES[table.verdict]), f"{between}: {moved}", hang=2)


def _explain_doubt(result: DriftResult) -> str:
    table = result.table
    if table.verdict == "none":
        return f"{result.repeated:.0%} of the rows of {result.new} are rows of {result.old}"
    if not table.columns:
        return "the tables have no column in common"
    if min(table.old_rows, table.new_rows) < result.thresholds.rows:
        return f"it takes {result.thresholds.rows:,} rows on both sides"
    if not table.judged:
        return "no column can be judged"
    return f"nobody can tell of {join_listed(table.unjudged)}, and no other column moved"


def _rank_column(column: ColumnDrift) -> tuple[int, float]:
    return _ORDER[column.verdict], -max(column.ks or 0.0, column.js or 0.0)


def _build_row(column: ColumnDrift) -> list[Cell]:
    missing = ""
    if column.old_missing or column.new_missing:
        missing = f"{column.old_missing:.1%} → {column.new_missing:.1%}"
    return [
        column.name,
        (column.verdict, _STYLES[column.verdict]),
        _format_number(column.ks),
        _format_number(column.psi),
        _format_number(column.js),
        _format_shift(column.mean_shift, " sd"),
        "" if column.variance_shift is None else f"{column.variance_shift:+.0%}",
        missing,
        _format_p(column.p),
        (column.reason or "", "dim"),
    ]


def _format_number(value: float | None) -> str:
    # What is below 0 is less than noise alone gives.
    return "" if value is None else f"{max(value, 0.0):.3f}"


def _format_shift(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:+.2f}{unit}"


def _format_p(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"


def _suggest_ignoring(result: DriftResult) -> tuple[str, ...]:
    """How to leave out the columns that alone keep the answer from being that nothing moved."""
    table = result.table
    open_columns = (*table.removed, *table.unjudged)
    is_few = min(table.old_rows, table.new_rows) < result.thresholds.rows
    if table.drifted or is_few or not 0 < len(open_columns) <= _COLUMNS_SHOWN:
        return ()
    ignored = sorted({*result.thresholds.ignore, *open_columns})
    dashes = ("--",) if any(name.startswith("-") for name in ignored) else ()
    return (shell_command("mlver", "config", "set", "insight.drift.ignore", *dashes, *ignored),)


def _draw_names(heading: str, names: tuple[str, ...], screen: TextScreen) -> None:
    if names:
        more = f" and {len(names) - _COLUMNS_SHOWN:,} more" if len(names) > _COLUMNS_SHOWN else ""
        screen.draw_line(f"  {heading}: {', '.join(names[:_COLUMNS_SHOWN])}{more}", hang=2)
