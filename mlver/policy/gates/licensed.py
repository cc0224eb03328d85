"""The gate `licenses`: the weights and every data set are under a licence that is allowed."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.policy.gates.contents import UNSEEN, find_record, suggest_commands
from mlver.policy.gates.gate import Gate, StageCandidate, keep_whole
from mlver.records.promotion import GateResult, Result
from mlver.records.version import VersionRecord


def judge_licenses(candidate: StageCandidate, allowed: Sequence[str]) -> GateResult:
    expected = f"the weights and every data set are under {', '.join(allowed)}"
    record = find_record(candidate)
    result: Result = "inconclusive"
    actual = UNSEEN
    if record is not None:
        result, actual = _judge_record(record, allowed)
    return GateResult(gate="licenses", result=result, expected=expected, actual=actual)


def _judge_record(record: VersionRecord, allowed: Sequence[str]) -> tuple[Result, str]:
    # The library behind it takes a while to load, and most stages ask for no licence.
    from mlver.policy.licenses import is_allowed

    found: dict[Result, list[str]] = {"fail": [], "inconclusive": [], "pass": []}
    for name, artifact in {"weights": record.weights, **record.data}.items():
        if artifact.license is None:
            found["inconclusive"].append(f"{name} has no licence in the record")
            continue
        verdict = is_allowed(artifact.license, allowed)
        if verdict is None:
            words = f"{name} is under {artifact.license}, which is no SPDX expression"
            found["inconclusive"].append(words)
        else:
            found["pass" if verdict else "fail"].append(f"{name} is under {artifact.license}")
    for result, parts in found.items():
        if parts:
            return result, "; ".join(parts)
    return "inconclusive", "there is nothing to judge"


GATE = Gate(judge=judge_licenses, suggest_commands=suggest_commands, split=keep_whole)
