"""The gate `hold`: the version holds each stage of `after`, and has for so long without a break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlver.errors import shell_command
from mlver.policy.chain import UNSEALED_HINTS
from mlver.policy.gates.gate import Gate, HeldStage, StageCandidate
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, format_seconds
from mlver.records.durations import read_duration
from mlver.records.promotion import GateResult, Result
from mlver.records.values import Value

_HOUR, _MINUTE = 3_600, 60


def list_stages(candidate: StageCandidate) -> list[str]:
    """List the stages that have to be held: those of `after`."""
    stages = candidate.policy.rule.get("after") if candidate.policy is not None else None
    if isinstance(stages, Sequence) and not isinstance(stages, str):
        return [str(stage) for stage in stages]
    return []


def judge_hold(candidate: StageCandidate, setting: str) -> GateResult:
    stages = list_stages(candidate)
    expected = f"holds {' and '.join(stages) or 'a stage'}, without a break, for {setting} by now"
    asked = read_duration(setting)
    if asked is None or not stages:
        reason = "`after` names no stage to hold"
        return _build_result(setting, "inconclusive", expected, reason)
    parts = list(_judge_stages(candidate, stages, asked))
    # The first of the worst is what to do something about.
    for result in ("fail", "inconclusive"):
        for found, words in parts:
            if found == result:
                return _build_result(setting, found, expected, words)
    return _build_result(setting, "pass", expected, "; ".join(words for _, words in parts))


def _judge_stages(
    candidate: StageCandidate, stages: Sequence[str], asked: int
) -> Iterator[tuple[Result, str]]:
    for stage in stages:
        held = candidate.holds.get(stage)
        if held is None:
            yield "inconclusive", f"nobody looked since when it holds {stage}"
        else:
            yield _judge_stage(stage, held, asked)


def _judge_stage(stage: str, held: HeldStage, asked: int) -> tuple[Result, str]:
    if held.fault is not None:
        return "inconclusive", held.fault
    if not held.is_held:
        return "fail", f"does not hold {stage}"
    if held.since is None:
        return "fail", f"holds {stage} by a promotion that no tag seals"
    start = format_seconds(held.since)
    if held.now < max(held.since, held.latest - CLOCK_TOLERANCE_S):
        latest = format_seconds(max(held.since, held.latest))
        words = f"the clock says {format_seconds(held.now)}, and the history goes on to {latest}"
        return "inconclusive", words
    span = held.now - held.since
    words = f"holds {stage} since {start}, for {_describe_span(span)}"
    if span >= asked:
        return "pass", words
    # A minute that has begun is waited for.
    wait = _describe_span(asked - span + _MINUTE - 1)
    opens = f"opens {format_seconds(held.since + asked)}, in {wait}"
    return "fail", f"{words}; {opens}"


def _describe_span(seconds: int) -> str:
    hours, rest = divmod(seconds, _HOUR)
    if hours >= 48:
        return f"{hours // 24} d {hours % 24} h"
    return f"{hours} h {rest // _MINUTE} min"


def _build_result(setting: Value, result: Result, expected: str, actual: str) -> GateResult:
    return GateResult(gate=f"hold {setting}", result=result, expected=expected, actual=actual)


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    words = str(result.actual)
    if words.endswith("no tag seals"):
        return UNSEALED_HINTS
    if words.startswith("does not hold "):
        stage = words.removeprefix("does not hold ")
        return (shell_command("mlver", "promote", ref, "--to", stage, "-m", "WHY"),)
    model = ref.partition("@")[0]
    return (shell_command("mlver", "stages", model),)


GATE = Gate(judge=judge_hold, suggest_commands=suggest_commands)
