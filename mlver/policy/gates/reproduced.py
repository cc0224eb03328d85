"""The gate `reproduced`: somebody trained the version again, and the same came out.

`identical` asks for the same bytes, `within` also takes numbers that differ by no more than the
tolerance that was given then. The last reproduction of this very record decides. Where nobody
tried, nobody knows.
"""

from __future__ import annotations

from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.records.promotion import GateResult, Result
from mlver.records.reproduction import ReproductionRecord

_WORDS = {
    "identical": "its weights came out identical",
    "within": "its numbers came out equal within a tolerance",
}


def judge_reproduction(candidate: StageCandidate, asked: str) -> GateResult:
    result, actual = _judge(candidate, asked)
    return GateResult(
        gate=f"reproduced {asked}",
        result=result,
        expected=f"when somebody trained it again, {_WORDS[asked]}",
        actual=actual,
    )


def _judge(candidate: StageCandidate, asked: str) -> tuple[Result, str]:
    if candidate.reproductions is None:
        return "inconclusive", "nobody looked for reproductions"
    if not candidate.reproductions:
        return "inconclusive", "nobody reproduced it"
    last = candidate.reproductions[-1]
    allowed = ("identical",) if asked == "identical" else ("identical", "within")
    return "pass" if last.answer in allowed else "fail", _describe(last)


def _describe(record: ReproductionRecord) -> str:
    told = f"{record.answer} on {record.created[:10]}"
    if record.answer == "within" and record.values is not None:
        return f"{told}, by at most {record.values.largest} of {record.values.tolerance} allowed"
    return told


def suggest_commands(ref: str, _: GateResult) -> tuple[str, ...]:
    return (shell_command("mlver", "reproduce", ref),)


GATE = Gate(judge=judge_reproduction, suggest_commands=suggest_commands)
