"""The results of gates, drawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mlver.records.promotion import GateResult
from mlver.terminal.screen import Cell, Style, TextScreen
from mlver.terminal.words import format_number, shorten_digests

RESULT_STYLES: dict[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}


def draw_gates(gates: Sequence[GateResult], screen: TextScreen) -> None:
    """Draw a line for each result.

    Of a gate that two rules asked otherwise, the lines stand together, with what each asked for.
    """
    counts = Counter(gate_result.gate for gate_result in gates)
    order = list(counts)
    table_rows: list[list[Cell]] = []
    for gate_result in sorted(gates, key=lambda each: order.index(each.gate)):
        style = RESULT_STYLES[gate_result.result]
        shown = format_number(gate_result.actual)
        if counts[gate_result.gate] > 1:
            shown = f"{shown}; asked: {format_number(gate_result.expected)}"
        table_rows.append(
            [(gate_result.result, style), gate_result.gate, (shorten_digests(shown), "dim")]
        )
    screen.draw_table(table_rows, indent=2, fold=2)
