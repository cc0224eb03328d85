"""The gate `reproduced`: somebody trained the version again, and the same came out.

`identical` asks for the same bytes, `within` also takes numbers that are at most so far apart: the
bound is the policy's, whatever tolerance the reproduction itself was given. The last reproduction
of this very record decides. Where nobody tried, the answer is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mlver.digest import Digest
from mlver.errors import shell_command
from mlver.policy.gates.gate import Gate, StageCandidate, keep_whole
from mlver.records.promotion import GateResult, Result
from mlver.records.reproduction import DEFAULT_TOLERANCE, ReproductionRecord
from mlver.records.values import Value

_IDENTICAL = "identical"


def read_bound(asked: Value) -> float | None:
    """Read how far numbers may be apart; None where the bytes have to be the same."""
    if asked == _IDENTICAL:
        return None
    if isinstance(asked, Mapping):
        return float(cast(float, asked["within"]))
    return DEFAULT_TOLERANCE


def judge_reproduction(candidate: StageCandidate, asked: Value) -> GateResult:
    bound = read_bound(asked)
    result, actual, evidence = _judge(candidate, bound)
    expected = "its weights came out identical"
    if bound is not None:
        expected = f"no two of its numbers came out further apart than {bound:g}"
    return GateResult(
        gate="reproduced identical" if bound is None else f"reproduced within {bound:g}",
        result=result,
        expected=f"when somebody trained it again, {expected}",
        actual=actual,
        evidence=evidence,
    )


def _judge(candidate: StageCandidate, bound: float | None) -> tuple[Result, str, Digest | None]:
    if candidate.reproductions is None:
        return "inconclusive", "nobody looked for reproductions", None
    if not candidate.reproductions:
        return "inconclusive", "nobody reproduced it", None
    last, digest = candidate.reproductions[-1]
    return "pass" if _is_near(last, bound) else "fail", _describe(last), digest


def _is_near(record: ReproductionRecord, bound: float | None) -> bool:
    if record.answer != "within" or bound is None:
        return record.answer == _IDENTICAL
    values = record.values
    return values is not None and values.largest is not None and values.largest <= bound


def _describe(record: ReproductionRecord) -> str:
    told = f"{record.answer} on {record.created[:10]}"
    if record.values is not None and record.values.largest is not None:
        return f"{told}, by at most {record.values.largest:.3g}"
    return told


def suggest_commands(ref: str, result: GateResult) -> tuple[str, ...]:
    """The training that has to be done again, measured as it is asked for."""
    _, word, bound = result.gate.partition(" within ")
    measured = ("--within", bound) if word and float(bound) < DEFAULT_TOLERANCE else ()
    return (shell_command("mlver", "reproduce", ref, *measured),)


GATE = Gate(judge=judge_reproduction, suggest_commands=suggest_commands, split=keep_whole)
