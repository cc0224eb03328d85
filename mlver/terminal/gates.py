"""The results of gates, drawn."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.records.promotion import GateResult
from mlver.terminal.screen import Cell, Style, TextScreen
from mlver.terminal.words import format_number, shorten_digests

RESULT_STYLES: dict[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}


def draw_gates(gates: Sequence[GateResult], screen: TextScreen) -> None:
    table_rows: list[list[Cell]] = []
    for gate_result in gates:
        style = RESULT_STYLES[gate_result.result]
        table_rows.append(
            [
                (gate_result.result, style),
                gate_result.gate,
                (shorten_digests(format_number(gate_result.actual)), "dim"),
            ]
        )
    screen.draw_table(table_rows, indent=2, fold=2)
