"""What gates prints."""

from __future__ import annotations

from mlver import names
from mlver.errors import shell_command
from mlver.features.gating.gates import GatesResult
from mlver.policy.gates.table import suggest_commands
from mlver.terminal.gates import RESULT_STYLES
from mlver.terminal.links import draw_hints
from mlver.terminal.screen import Cell, Part, TextScreen
from mlver.terminal.words import format_number, shorten_digests

_HEADERS = ("result", "gate", "baseline", "actual", "expected")
_GAPS = 2 * len(_HEADERS)


def draw_result(result: GatesResult, screen: TextScreen) -> None:
    version = f"{result.model} {result.version}"
    verdict: Part = ("may have", "good") if result.open else ("may not have", "bad")
    beside = f"; {result.baseline} is the baseline" if result.baseline else ""
    screen.draw_line((version, "name"), " ", verdict, f" {result.stage}{beside}")
    _draw_gates(result, screen)
    if result.rules_differ:
        words = f"the rule in the work tree differs from that of {result.source}; both have to pass"
        screen.draw_line("  ", (words, "warn"), hang=2)
    for note in result.notes:
        screen.draw_line("  ", (f"note: {note}", "warn"), hang=2)
    draw_hints(_suggest(result), screen, style="warn")


def _draw_gates(result: GatesResult, screen: TextScreen) -> None:
    """A table; where the terminal is too narrow for it, one text a gate, which is wrapped."""
    wide: list[list[Cell]] = []
    narrow: list[list[Cell]] = []
    for gate in result.gates:
        outcome: Part = (gate.result, RESULT_STYLES[gate.result])
        baseline = "" if gate.baseline is None else format_number(gate.baseline)
        actual = shorten_digests(format_number(gate.actual))
        expected = shorten_digests(format_number(gate.expected))
        wide.append([outcome, gate.gate, baseline, actual, (expected, "dim")])
        beside = f", baseline: {baseline}" if baseline else ""
        narrow.append([outcome, gate.gate, f"{actual}; asked: {expected}{beside}"])
    if sum(screen.measure_columns([_HEADERS, *wide])) + _GAPS <= screen.width:
        screen.draw_table(wide, headers=_HEADERS, indent=2)
    else:
        screen.draw_table(narrow, indent=2, fold=2)


def _suggest(result: GatesResult) -> tuple[str, ...]:
    """What to do next: about the first gate that is shut, or to promote."""
    ref = f"{result.model}@{result.version}"
    if result.open:
        command = ("mlver", "promote", ref, "--to", result.stage, "-m", names.PLACEHOLDER)
        return (shell_command(*command),)
    retirement = result.gates[-1]
    if retirement.result != "pass":
        return (shell_command("mlver", "retire", ref, "--restore", "-m", names.PLACEHOLDER),)
    return suggest_commands(ref, result.gates)
