"""The gate `verdict`: the last verdict on the version in use is that it passes.

The last one on this very record decides, on whatever stage it was given. It is judged again from
its counts, and counts only if it was decided by the settings that hold now.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult, Result
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.verdict import VerdictRecord


def judge_verdict_gate(candidate: StageCandidate, wanted: str) -> GateResult:
    found = candidate.verdicts
    last = list_in_order(found)[-1] if found else None
    settings = None
    if candidate.policy is not None:
        settings = VerdictSettings.from_document(candidate.policy.verdict)
    if found is None:
        result, actual = _no_answer("nobody looked for verdicts")
    elif last is None:
        result, actual = _no_answer("no verdict on it is recorded")
    else:
        result, actual = _judge(last[0], settings)
    return GateResult(
        gate=f"verdict {wanted}",
        result=result,
        expected="the last verdict on it in use is pass",
        actual=actual,
        evidence=None if last is None else last[1],
    )


def list_in_order(
    verdicts: Sequence[tuple[VerdictRecord, Digest]],
) -> list[tuple[VerdictRecord, Digest]]:
    """List the verdicts on all stages by date, and by number on one of them: the last decides."""
    return sorted(verdicts, key=lambda pair: (pair[0].created, pair[0].stage, pair[0].sequence))


def _no_answer(words: str) -> tuple[Result, str]:
    return "inconclusive", words


def _judge(verdict: VerdictRecord, settings: VerdictSettings | None) -> tuple[Result, str]:
    told = f"{verdict.answer} on {verdict.stage} on {verdict.created[:10]}"
    if verdict.answer != "pass":
        return verdict.answer, f"{told}: {verdict.reason}"
    # imported here: only what has passed is judged again
    from mlver.policy.verdict_rule import find_false_verdict

    fault = find_false_verdict(verdict)
    if fault is not None:
        return _no_answer(f"the verdict on {verdict.stage} {fault}")
    if settings != verdict.settings:
        return _no_answer(f"{told}, by other settings than those that hold now")
    return "pass", told


def suggest_commands(ref: str, _: GateResult) -> tuple[str, ...]:
    """The verdict that is to be given."""
    model = ref.partition("@")[0]
    words = ("mlver", "judge", model, "--stage", "STAGE", "--candidate", ref)
    return (shell_command(*words, "--predictions", "FILE"),)


GATE = Gate(judge=judge_verdict_gate, suggest_commands=suggest_commands)
