"""The gates `recoverable` and `copies`: others could get the version if this machine were gone.

`recoverable` asks for all contents on one remote and for the record on a branch of a git remote,
`copies` for all contents on so many remotes.
"""

from __future__ import annotations

from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.policy.recoverability import Recoverability
from mlver.records.promotion import GateResult, Result

_UNASKED = "no remote was asked"


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
    if result.result == "fail":
        return ("mlver push",)
    return ("mlver remote list",)


RECOVERABLE = Gate(judge=judge_recovery, suggest_commands=suggest_commands)
COPIES = Gate(judge=judge_copies, suggest_commands=suggest_commands)
