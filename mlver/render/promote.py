from __future__ import annotations

from collections.abc import Sequence

from mlver.commands.promote import PromoteResult
from mlver.records.promotion import GateResult
from mlver.render.screen import TextScreen, Style
from mlver.render.words import format_number

_RESULTS: dict[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}


def draw_promote(result: PromoteResult, screen: TextScreen) -> None:
    version = f"{result.model} {result.version}"
    match result.outcome:
        case "already":
            screen.draw_line((version, "name"), f" holds {result.stage} already; nothing changed")
        case "refused":
            verb = "Would refuse: " if result.dry_run else "Refused: "
            screen.draw_line((verb, "bad"), (version, "name"), f" may not have {result.stage}")
        case "promoted":
            force = "  by force" if result.forced else ""
            verb = "Would promote " if result.dry_run else "Promoted "
            screen.draw_line((verb, "bold"), (version, "name"), f" to {result.stage}", _describe_previous_version(result), (force, "warn"))
    draw_gates(result.gates, screen)
    if result.outcome == "refused":
        screen.draw_unbroken(("hint: ", "warn"), _suggest_next_command(result))


def _describe_previous_version(result: PromoteResult) -> str:
    return f" (was {result.previous})" if result.previous else ""


def draw_gates(found: Sequence[GateResult], screen: TextScreen) -> None:
    screen.draw_table(
        [[(gate.result, _RESULTS[gate.result]), gate.gate, (format_number(gate.actual), "dim")] for gate in found],
        indent=2,
        fold=2,
    )


def _suggest_next_command(result: PromoteResult) -> str:
    shut = next(gate for gate in result.gates if gate.result != "pass")
    if shut.gate == "sealed":
        return f"mlver tag   (if that seals nothing: mlver verify {result.model}@{result.version})"
    if shut.gate.startswith("after "):
        return f"mlver promote {result.model}@{result.version} --to {shut.gate.removeprefix('after ')} -m WHY"
    return f"mlver verify {result.model}@{result.version}"
