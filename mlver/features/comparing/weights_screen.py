"""How the tensors of two versions look beside each other on a terminal."""

from __future__ import annotations

from mlver.features.comparing.weights_diff import ChangedTensor, TensorGroup, WeightsResult
from mlver.policy.weights.changes import Distance
from mlver.terminal.links import draw_hidden_count
from mlver.terminal.screen import Cell, Style, TextScreen
from mlver.terminal.words import format_count

# A screen shows the first of many; --json has all.
_GROUPS_SHOWN = 40
_TENSORS_SHOWN = 10
_IMPORTS_SHOWN = 20
_KINDS: dict[str, Style] = {
    "identical": "good",
    "resaved": "good",
    "renamed": "good",
    "reordered": "good",
    "broken": "bad",
}
_HEADERS = ("group", "tensors", "max |Δ|", "rel. L2", "1−cos", "values")
# A column that most tables do without.
_BROKEN = "NaN/Inf"
# What has no numbers to show for it, and is named instead.
_NAMED = ("added", "removed", "renamed", "reshaped", "reordered", "grown", "retyped")


def draw_weights(result: WeightsResult, screen: TextScreen) -> None:
    screen.draw_line((f"{result.old} → {result.new}", "name"))
    style = _KINDS.get(result.kind, "warn")
    screen.draw_line(("weights", "bold"), "  ", (result.sentence, style), hang=2)
    if result.differs:
        _draw_groups(result, screen)
        _draw_tensors(result, screen)
    _draw_numbers(result, screen)
    for imported in result.imports:
        names = imported.names[:_IMPORTS_SHOWN]
        more = len(imported.names) - len(names)
        listed = ", ".join(names) + (f" and {more:,} more" if more else "")
        title = f"{imported.side} {imported.file}".strip()
        screen.draw_line(
            ("imports", "bold"),
            f"  {title}: {listed}",
            ("  (a list, not a verdict)", "dim"),
            hang=2,
        )
    for remark in result.remarks:
        screen.draw_note(remark)
    if result.kept:
        sides = " and ".join(result.kept)
        screen.draw_note(
            f"the bytes of {sides} are not here: what was kept of the tensors is compared, and"
            " ≈ marks what a few of the values tell"
        )
    elif not result.measured and result.differs:
        screen.draw_note("how far apart values are takes more: pip install 'mlver[insight]'")


def _draw_groups(result: WeightsResult, screen: TextScreen) -> None:
    if result.distance is None or not result.distance.compared:
        return
    shown = [group for group in result.groups if group.changed][:_GROUPS_SHOWN]
    hidden = sum(bool(group.changed) for group in result.groups) - len(shown)
    headers: tuple[str, ...] = _HEADERS
    table_rows = [_format_group(group) for group in shown]
    if any(_count_broken(group.distance) != 0 for group in shown):
        headers = (*headers, _BROKEN)
        for row, group in zip(table_rows, shown, strict=True):
            row.append(_format_broken(group.distance))
    columns = range(1, len(headers))
    screen.draw_table(table_rows, headers=headers, right=columns, indent=2, fold=0, cut=True)
    draw_hidden_count(hidden, screen, indent=2, noun=" groups")
    farthest = max(result.groups, key=lambda group: group.share or 0.0)
    if farthest.share and farthest.farthest is not None:
        screen.draw_line(("  most of it in ", "dim"), farthest.farthest)
    same = [group.name for group in result.groups if not group.changed]
    if same:
        screen.draw_line(("  as before: ", "dim"), ", ".join(same), hang=2)


def _format_group(group: TensorGroup) -> list[Cell]:
    row: list[Cell] = [group.name, f"{group.changed:,} of {group.tensors:,}"]
    distance = group.distance
    if distance is None:
        return [*row, *(("–", "dim") for _ in range(4))]
    sign = "≈" if distance.estimated else ""
    return [
        *row,
        sign + _format_small(distance.largest),
        sign + _format_small(distance.relative),
        sign + _format_small(distance.cosine_distance),
        sign + _format_share(distance),
    ]


def _format_small(value: float | None) -> str:
    return "–" if value is None else f"{value:.1e}" if value else "0"


def _format_share(distance: Distance) -> str:
    if not distance.compared:
        return "–"
    percent = 100 * distance.changed / distance.compared
    return "< 0.01 %" if 0 < percent < 0.01 else f"{percent:.3g} %"


def _count_broken(distance: Distance | None) -> int | None:
    """Count the new values that are no numbers; None where nothing here could."""
    if distance is None or distance.nans is None or distance.infinities is None:
        return None
    return distance.nans + distance.infinities


def _format_broken(distance: Distance | None) -> Cell:
    count = _count_broken(distance)
    if count is None:
        return ("?", "dim")
    return (f"{count:,}", "bad") if count else ("none", "dim")


def _draw_tensors(result: WeightsResult, screen: TextScreen) -> None:
    """Name the tensors of which more than the values changed."""
    named = [tensor for tensor in result.differing if tensor.state in _NAMED]
    table_rows = [_format_tensor(tensor) for tensor in named[:_TENSORS_SHOWN]]
    screen.draw_table(table_rows, indent=2, fold=1)
    draw_hidden_count(len(named) - len(table_rows), screen, indent=2, noun=" tensors")


def _format_tensor(tensor: ChangedTensor) -> list[Cell]:
    name = tensor.name
    if tensor.state == "renamed":
        name = f"{tensor.old_name} → {tensor.name}"
    old = _format_shape(tensor.old_dtype, tensor.old_shape)
    new = _format_shape(tensor.new_dtype, tensor.new_shape)
    extent = old or new
    if old and new and old != new:
        extent = f"{old} → {new}"
    return [(tensor.state, "warn"), name, (extent, "dim")]


def _format_shape(dtype: str | None, shape: tuple[int, ...] | None) -> str:
    if dtype is None or shape is None:
        return ""
    return f"{dtype} {' × '.join(map(str, shape)) or 'scalar'}"


def _draw_numbers(result: WeightsResult, screen: TextScreen) -> None:
    same = result.tensors - result.changed
    counts = f"{format_count(same, 'tensor')} as before, {format_count(result.values, 'value')}"
    whole = result.distance
    is_sound = whole is not None and whole.compared and _count_broken(whole) == 0
    parts = [f"{counts} in all", *(("none is NaN or infinite",) if is_sound else ())]
    screen.draw_line((f"  {', '.join([*parts, *result.formats])}", "dim"), hang=2)
