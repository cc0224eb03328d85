"""The results of gates, drawn."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.records.promotion import GateResult
from mlver.terminal.screen import Style, TextScreen
from mlver.terminal.words import format_number

_RESULTS: dict[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}


def draw_gates(found: Sequence[GateResult], screen: TextScreen) -> None:
    screen.draw_table(
        [
            [(gate.result, _RESULTS[gate.result]), gate.gate, (format_number(gate.actual), "dim")]
            for gate in found
        ],
        indent=2,
        fold=2,
    )
