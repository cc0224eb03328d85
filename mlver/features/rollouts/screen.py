"""What `mlver rollout` prints."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.policy.gates.table import suggest_commands
from mlver.project.stages.rollout_request import RolloutResult
from mlver.terminal.gates import draw_gates
from mlver.terminal.links import draw_followers, draw_hints
from mlver.terminal.screen import Part, TextScreen

_VERBS = {
    "opened": ("Rolled out ", "Would roll out "),
    "moved": ("Moved ", "Would move "),
    "withdrawn": ("Withdrew ", "Would withdraw "),
    "refused": ("Refused: ", "Would refuse: "),
}


def draw_rollout(result: RolloutResult, screen: TextScreen, followers: Sequence[str] = ()) -> None:
    version: Part = (f"{result.model} {result.version}", "name")
    if result.outcome == "already":
        state = (
            "has no share of" if result.previous is None else f"has {_describe_share(result)} of"
        )
        screen.draw_line(version, f" {state} {result.stage} already; nothing changed")
        return
    done, would = _VERBS[result.outcome]
    verb: Part = (would if result.dry_run else done, "bold")
    match result.outcome:
        case "refused":
            verb = (verb[0], "bad")
            screen.draw_line(verb, version, f" may not have a share of {result.stage}")
        case "withdrawn":
            screen.draw_line(verb, version, f" from {result.stage}", _describe_previous(result))
        case _:
            share = f" to {_describe_share(result)} of {result.stage}"
            if result.strategy == "shadow":
                share = f" as a shadow of {result.stage}"
            force_remark: Part = ("  by force" if result.forced else "", "warn")
            screen.draw_line(verb, version, share, _describe_previous(result), force_remark)
    draw_gates(result.gates, screen)
    if result.outcome == "refused":
        commands = suggest_commands(f"{result.model}@{result.version}", result.gates)
        draw_hints(commands, screen, style="warn")
    else:
        screen.draw_line("  ", (f"{result.baseline} has {100 - result.share:g} %", "dim"))
    draw_followers(followers, screen)


def _describe_share(result: RolloutResult) -> str:
    share = f"{result.share:g} %"
    if result.strategy == "canary":
        return share
    by_header = f" by {result.header}" if result.header else ""
    return f"{share} ({result.strategy}{by_header})"


def _describe_previous(result: RolloutResult) -> str:
    return "" if result.previous is None else f" (was {result.previous:g} %)"
