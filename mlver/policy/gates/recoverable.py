"""The gates `recoverable` and `copies`: others could get the version if this machine were gone.

`recoverable` asks for all contents on one remote and for the record on a branch of a git remote,
`copies` for all contents on so many remotes.
"""

from __future__ import annotations

import re

from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.policy.recoverability import Recoverability
from mlver.records.promotion import GateResult, Result

_UNASKED = "no remote was asked"
# In the words of the functions below: which remotes lack something, or did not answer.
_LACKING = re.compile(r"contents are not on ([a-z][a-z0-9_-]*)")
_SILENT = re.compile(r"([a-z][a-z0-9_-]*) did not answer:")
_OWN = re.compile(r"the git remote (\S+) is this repository itself")
_BEHIND = re.compile(r"commits that are not here: git fetch (\S+)")


def judge_recovery(candidate: StageCandidate, _: object) -> GateResult:
    facts = candidate.recovery
    result, actual = _judge_copies(facts, 1)
    if facts is not None and result == "pass":
        result, actual = _judge_branch(facts, actual)
    return GateResult(
        gate="recoverable",
        result=result,
        expected="every byte is on a remote, and the record on a branch of a git remote",
        actual=actual,
    )


def judge_copies(candidate: StageCandidate, least: int) -> GateResult:
    result, actual = _judge_copies(candidate.recovery, least)
    plural = "" if least == 1 else "s"
    return GateResult(
        gate=f"copies {least}",
        result=result,
        expected=f"every byte is on {least} remote{plural}",
        actual=actual,
    )


def _judge_copies(facts: Recoverability | None, least: int) -> tuple[Result, str]:
    if facts is None:
        return "inconclusive", _UNASKED
    told = _describe_remotes(facts)
    if len(facts.whole) >= least:
        return "pass", told
    # One that did not answer may have everything.
    if len(facts.whole) + len(facts.silent) >= least:
        return "inconclusive", told
    return "fail", told


def _judge_branch(facts: Recoverability, told: str) -> tuple[Result, str]:
    if facts.own is not None:
        return "fail", f"{told}; the git remote {facts.own} is this repository itself"
    if facts.branch is not None:
        return "pass", f"{told}; its record is on {facts.branch}"
    if facts.unbranched is not None:
        return "inconclusive", f"{told}; {facts.unbranched}"
    return "fail", f"{told}; its record is on no branch of a git remote"


def _describe_remotes(facts: Recoverability) -> str:
    """Say what each remote has, and when that was asked."""
    parts: list[str] = []
    if facts.whole:
        parts.append(f"all of it is on {' and '.join(facts.whole)}")
    for name, count in facts.missing.items():
        if count:
            parts.append(f"{count:,} of {facts.contents:,} contents are not on {name}")
    parts += [f"{name} did not answer: {reason}" for name, reason in facts.silent.items()]
    return f"{'; '.join(parts) or 'there is no remote'} (asked {facts.asked})"


def suggest_commands(_: str, result: GateResult) -> tuple[str, ...]:
    """What brings the bytes and the record to where others get them, or asks again."""
    lacking = _LACKING.findall(str(result.actual))
    if lacking:
        words = [word for name in lacking for word in ("--remote", name)]
        return (shell_command("mlver", "push", *words),)
    own = _OWN.search(str(result.actual))
    if own is not None:
        return (shell_command("git", "remote", "set-url", own[1], "URL"),)
    if result.result == "fail":
        return ("mlver push",)
    behind = _BEHIND.search(str(result.actual))
    if behind is not None:
        return (shell_command("git", "fetch", behind[1]),)
    silent = _SILENT.findall(str(result.actual))
    if silent:
        return (shell_command("mlver", "remote", "show", silent[0]),)
    return ("mlver remote list",)


RECOVERABLE = Gate(judge=judge_recovery, suggest_commands=suggest_commands)
COPIES = Gate(judge=judge_copies, suggest_commands=suggest_commands)
