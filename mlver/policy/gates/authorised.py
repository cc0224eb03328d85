"""The gate `authorised`: all data that the version was trained on may be used for a purpose.

That is its own data, and that of the versions that it was trained from: what these learned is in
it. A withdrawal shuts the gate, also of a single file in a directory; so does a grant that has
ended. Data of which nobody recorded anything leaves it inconclusive.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlver.errors import shell_command
from mlver.policy.authorisation import (
    PurposeStanding,
    TrainedData,
    TrainingData,
    judge_standing,
)
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult, Result

_NAMED = 3
_DATA = re.compile(r"(\S+@\S+:\S+) (?:is not|was only) authorised")
_WITHDRAWN = re.compile(r"(\S+@\S+:\S+) (?:was withdrawn|holds a file)")


def judge_data(candidate: StageCandidate, purpose: str) -> GateResult:
    result, actual = _judge_training(candidate.training, purpose)
    return GateResult(
        gate=f"authorised {purpose}",
        result=result,
        expected=f"all data that it was trained on may be used for {purpose}",
        actual=actual,
    )


def _judge_training(training: TrainingData | None, purpose: str) -> tuple[Result, str]:
    if training is None:
        return "inconclusive", "nobody looked what it was trained on"
    failed: list[str] = []
    open_questions = [f"cannot be read: {fault}" for fault in training.unread]
    for item in training.data:
        refusal = _find_refusal(item, purpose, training.today)
        if refusal is not None:
            failed.append(refusal)
        elif judge_standing(item.records, purpose, training.today).standing == "none":
            open_questions.append(f"{item.name} is not authorised for {purpose}")
    if failed:
        return "fail", _join_some([*failed, *open_questions])
    if open_questions:
        return "inconclusive", _join_some(open_questions)
    if not training.data:
        return "inconclusive", "it names no data set, so nobody knows what it was trained on"
    return "pass", _describe_grants(training, purpose)


def _find_refusal(item: TrainedData, purpose: str, today: str) -> str | None:
    """Say why data may not be used any more; None where nothing forbids it."""
    for record in item.withdrawn_elsewhere:
        if not record.purposes or purpose in record.purposes:
            return f"{item.name} was withdrawn {record.created[:10]} on the main branch"
    found = judge_standing(item.records, purpose, today)
    if found.record is not None and found.standing == "withdrawn":
        return f"{item.name} was withdrawn {found.record.created[:10]}"
    if found.record is not None and found.standing == "ended":
        return f"{item.name} was only authorised until {found.record.until}"
    for chain in item.files:
        part = judge_standing(chain, purpose, today)
        if part.record is not None and part.standing == "withdrawn":
            return f"{item.name} holds a file that was withdrawn {part.record.created[:10]}"
    return None


def _describe_grants(training: TrainingData, purpose: str) -> str:
    names: list[str] = []
    ends: list[str] = []
    for item in training.data:
        names.append(item.name)
        found: PurposeStanding = judge_standing(item.records, purpose, training.today)
        if found.record is not None and found.record.until is not None:
            ends.append(found.record.until)
    told = f"{_join_some(names, ', ')} on {training.today[:10]}"
    return f"{told}, until {min(ends)}" if ends else told


def _join_some(parts: Sequence[str], separator: str = "; ") -> str:
    # What a record keeps for ever need not name a thousand data sets.
    shown = list(parts[:_NAMED])
    more = len(parts) - len(shown)
    if more:
        shown.append(f"and {more:,} more")
    return separator.join(shown)


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    """What gives the authorisation, or shows what was trained on data that may not be used."""
    actual = str(result.actual)
    withdrawn = _WITHDRAWN.search(actual)
    if withdrawn is not None:
        return (shell_command("mlver", "audit", "--data", withdrawn[1]),)
    lacking = _DATA.search(actual)
    if lacking is None:
        return (shell_command("mlver", "show", ref),)
    purpose = result.gate.removeprefix("authorised ")
    words = ("mlver", "authorise", lacking[1], "--purpose", purpose, "--basis", "BASIS")
    return (shell_command(*words, "-m", "WHY"),)


GATE = Gate(judge=judge_data, suggest_commands=suggest_commands)
