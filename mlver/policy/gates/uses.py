"""The gate `uses`: every version of another model that it uses can still be used.

That is also what those versions use in turn. One that is retired shuts the gate, and so does
another record than the one that was used. One that cannot be read leaves it inconclusive.
"""

from __future__ import annotations

import re

from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate, UsedVersion
from mlver.records.promotion import GateResult, Result

_NAMED = 3
_USED = re.compile(r"(\S+@\S+) (?:is retired|has|cannot)")


def judge_uses(candidate: StageCandidate, _: object) -> GateResult:
    result, actual = _judge(candidate.uses)
    return GateResult(
        gate="uses",
        result=result,
        expected="no version of another model that it uses is retired",
        actual=actual,
    )


def _judge(uses: tuple[UsedVersion, ...] | None) -> tuple[Result, str]:
    if uses is None:
        return "inconclusive", "nobody looked what it uses"
    failed: list[str] = []
    unread: list[str] = []
    for used in uses:
        if used.fault is not None:
            unread.append(f"{used.name} cannot be read: {used.fault}")
        elif used.is_other_record:
            failed.append(f"{used.name} has another record now than the one that was used")
        elif used.retired is not None:
            failed.append(f"{used.name} is retired: {used.retired}")
    if failed:
        return "fail", _join_some([*failed, *unread])
    if unread:
        return "inconclusive", _join_some(unread)
    names = [used.name for used in uses]
    return "pass", f"in use: {_join_some(names)}" if names else "it uses no other model"


def _join_some(parts: list[str]) -> str:
    more = len(parts) - _NAMED
    shown = parts[:_NAMED]
    return "; ".join([*shown, f"and {more:,} more"] if more > 0 else shown)


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    """A look at the version that stands in the way."""
    named = _USED.search(str(result.actual))
    if named is None:
        return (shell_command("mlver", "lineage", ref, "--up"),)
    return (shell_command("mlver", "show", named[1]),)


GATE = Gate(judge=judge_uses, suggest_commands=suggest_commands)
