"""The gate `drilled`: a rollback of the stage was rehearsed, and not too long ago."""

from __future__ import annotations

import re

from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, count_seconds
from mlver.records.durations import read_duration
from mlver.records.promotion import GateResult, Result

_UNDRILLED = re.compile(r"rollback of ([a-z0-9_]+) to (\S+) ")


def judge_drill(candidate: StageCandidate, longest: str) -> GateResult:
    result, actual = _judge_drill(candidate, longest)
    return GateResult(
        gate=f"drilled {longest}",
        result=result,
        expected=f"a rollback of the stage was rehearsed, at most {longest} ago",
        actual=actual,
    )


def _judge_drill(candidate: StageCandidate, longest: str) -> tuple[Result, str]:
    facts = candidate.drills
    if facts is None:
        return "inconclusive", "nobody looked for drills"
    if facts.holder is None:
        return "pass", f"no version ever held {facts.stage}: there is nothing to go back to"
    way = f"rollback of {facts.stage} to {facts.holder}"
    if facts.drilled is None:
        return "inconclusive", f"no drill is recorded: try a {way} first"
    age = count_seconds(facts.now) - count_seconds(facts.drilled)
    told = f"{facts.version} was restored {facts.drilled}"
    if age < -CLOCK_TOLERANCE_S:
        return "inconclusive", f"{told}, which is yet to come: try a {way} first"
    allowed = read_duration(longest)
    if allowed is None or age > allowed:
        return "fail", f"{told}: try a {way} again"
    return "pass", told


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    """The drill that is to be held."""
    named = _UNDRILLED.search(str(result.actual))
    model = ref.partition("@")[0]
    if named is None:
        return (shell_command("mlver", "drill", model, "--stage", "STAGE", "--record"),)
    words = ("mlver", "drill", model, "--stage", named[1], "--to", named[2], "--record")
    return (shell_command(*words),)


GATE = Gate(judge=judge_drill, suggest_commands=suggest_commands)
