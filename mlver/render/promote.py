from __future__ import annotations

from collections.abc import Sequence

from mlver.commands.promote import PromoteResult
from mlver.records.promotion import GateResult
from mlver.render.screen import Screen, Style
from mlver.render.words import number

_RESULTS: dict[str, Style] = {"pass": "good", "fail": "bad", "inconclusive": "warn"}


def text(result: PromoteResult, screen: Screen) -> None:
    version = f"{result.model} {result.version}"
    match result.outcome:
        case "already":
            screen.line((version, "name"), f" holds {result.stage} already; nothing changed")
        case "refused":
            verb = "Would refuse: " if result.dry_run else "Refused: "
            screen.line((verb, "bad"), (version, "name"), f" may not have {result.stage}")
        case "promoted":
            force = "  by force" if result.forced else ""
            verb = "Would promote " if result.dry_run else "Promoted "
            screen.line((verb, "bold"), (version, "name"), f" to {result.stage}", _from(result), (force, "warn"))
    gates(result.gates, screen)
    if result.outcome == "refused":
        screen.unbroken(("hint: ", "warn"), _hint(result))


def _from(result: PromoteResult) -> str:
    return f" (was {result.previous})" if result.previous else ""


def gates(found: Sequence[GateResult], screen: Screen) -> None:
    screen.table(
        [[(gate.result, _RESULTS[gate.result]), gate.gate, (number(gate.actual), "dim")] for gate in found],
        indent=2,
        fold=2,
    )


def _hint(result: PromoteResult) -> str:
    shut = next(gate for gate in result.gates if gate.result != "pass")
    if shut.gate == "sealed":
        return f"mlver tag   (if that seals nothing: mlver verify {result.model}@{result.version})"
    if shut.gate.startswith("after "):
        return f"mlver promote {result.model}@{result.version} --to {shut.gate.removeprefix('after ')} -m WHY"
    return f"mlver verify {result.model}@{result.version}"
