"""The results of gates, drawn."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.records.promotion import GateResult
from mlver.terminal.screen import Cell, Style, TextScreen
from mlver.terminal.words import format_number

_RESULT_STYLES: dict[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}


def draw_gates(gates: Sequence[GateResult], screen: TextScreen) -> None:
    rows: list[list[Cell]] = []
    for gate in gates:
        style = _RESULT_STYLES[gate.result]
        rows.append([(gate.result, style), gate.gate, (format_number(gate.actual), "dim")])
    screen.draw_table(rows, indent=2, fold=2)
