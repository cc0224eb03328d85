"""The gate `verdict`: the last verdicts on the version in use are that it passes.

The verdicts on this very record count, of all stages. On each stage the last one decides by its
number: each record names the one before it, so nobody can put one in between. No date decides, as
whoever writes a record dates it. Which stage was judged last nobody can prove, so the worst of
these answers counts: one that failed has to pass on its own stage. Each is judged again from its
counts, and opens the gate only if it was decided by the settings that hold now.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult, Result
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.verdict import VerdictRecord


def judge_verdict_gate(candidate: StageCandidate, wanted: str) -> GateResult:
    asked = GateResult(
        gate=f"verdict {wanted}",
        result="inconclusive",
        expected="the last verdict on it in use is pass",
        actual="nobody looked for verdicts",
    )
    if candidate.verdicts is None:
        return asked
    settings = None
    if candidate.policy is not None:
        settings = VerdictSettings.from_document(candidate.policy.verdict)
    results: list[GateResult] = []
    for verdict, digest in find_last(candidate.verdicts):
        result, actual = _judge(verdict, settings, candidate.verdict_faults)
        results.append(replace(asked, result=result, actual=actual, evidence=digest))
    for answer in ("fail", "inconclusive"):
        for found in results:
            if found.result == answer:
                return found
    return results[0] if results else replace(asked, actual="no verdict on it is recorded")


def find_last(
    verdicts: Sequence[tuple[VerdictRecord, Digest]],
) -> list[tuple[VerdictRecord, Digest]]:
    """Find the last verdict on each stage by its number, in order of the stages' names."""
    last: dict[str, tuple[VerdictRecord, Digest]] = {}
    for verdict, digest in sorted(verdicts, key=lambda pair: (pair[0].stage, pair[0].sequence)):
        last[verdict.stage] = (verdict, digest)
    return list(last.values())


def _no_answer(words: str) -> tuple[Result, str]:
    return "inconclusive", words


def _judge(
    verdict: VerdictRecord, settings: VerdictSettings | None, faults: Mapping[str, str]
) -> tuple[Result, str]:
    told = f"{verdict.answer} on {verdict.stage} on {verdict.created[:10]}"
    if verdict.answer != "pass":
        return verdict.answer, f"{told}: {verdict.reason}"
    # imported here: only what has passed is judged again
    from mlver.policy.verdict_rule import find_false_verdict

    fault = faults.get(verdict.record_path) or find_false_verdict(verdict)
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
