"""Results of gates that a promotion recorded, judged again by the records that they rest on. Pure.

Only gates whose whole evidence is in records are judged: the bounds of metrics, and what the
version's own record has to say. Of those that samples decide, the evaluation has to be there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from mlver.digest import Digest
from mlver.policy.gates.gate import AskedStage, RecordedVersion, StageCandidate
from mlver.policy.gates.table import GATES
from mlver.policy.quantities import show_decimal
from mlver.policy.stage_policy import StagePolicy
from mlver.records.evaluation import EvaluationRecord
from mlver.records.promotion import GateResult, PromotionRecord
from mlver.records.values import Value

# A gate by its own record says the same for ever.
_BY_VERSION = (
    *("formats", "max_size", "clean_code", "stored", "labels", "licenses"),
    *("message", "update"),
)
_CHANGES = ("max_drop", "max_rise")
# Entries of the list `gates` that are judged by samples, which a clone need not have.
_BY_ROW = ("agreement", "confidence")

# What follows is what was measured before.
_BEFORE = " (the last of "

Evaluations = Sequence[tuple[EvaluationRecord, Digest]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvidence:
    """What records say of a promotion's version, and of the one that held the stage before it.

    `version` has the evaluations that may have been there when it was made, and `known` are those
    that were. `holder` is None where nothing ever held the stage; `is_holder_known`: nobody can
    tell otherwise.
    """

    version: RecordedVersion
    known: Evaluations
    holder: RecordedVersion | None
    is_holder_known: bool


def asks_for_evidence(policy: StagePolicy) -> bool:
    """Say whether a policy has a gate that can be judged again."""
    return any(policy.rule.get(name) for name in ("gates", *_BY_VERSION))


def find_false_results(
    record: PromotionRecord, policy: StagePolicy, evidence: PastEvidence
) -> Iterator[str]:
    """Say which gates a promotion says had passed, and that cannot have by the records."""
    for part in _list_parts(policy, _BY_VERSION):
        result = _judge(policy, part, evidence.version, None)
        if result.result != "pass":
            yield _describe(result)
    for part in _list_parts(policy, ("gates",)):
        if part.asks(*_CHANGES, *_BY_ROW) and not evidence.is_holder_known:
            continue
        fault = _judge_metric(record, policy, part, evidence)
        if fault is not None:
            yield fault


@dataclass(frozen=True, slots=True)
class _Part:
    gate: str
    setting: Value

    def asks(self, *keys: str) -> bool:
        """Say whether its entry of settings has one of these keys."""
        return isinstance(self.setting, Mapping) and any(key in self.setting for key in keys)


def _list_parts(policy: StagePolicy, gates: Sequence[str]) -> Iterator[_Part]:
    for name in gates:
        setting = policy.rule.get(name)
        if setting is not None and setting is not False:
            for entry in GATES[name].split(setting):
                yield _Part(name, entry)


def _judge(
    policy: StagePolicy, part: _Part, version: RecordedVersion, holder: RecordedVersion | None
) -> GateResult:
    candidate = StageCandidate(
        version=version.record.version,
        unsealed=None,
        stages_held=frozenset(),
        damage=None,
        policy=policy,
        recorded=version,
        stage=AskedStage(name="", holder=holder, is_held=holder is not None),
    )
    return GATES[part.gate].judge(candidate, part.setting)


def _judge_metric(
    record: PromotionRecord, policy: StagePolicy, part: _Part, evidence: PastEvidence
) -> str | None:
    """Say what is wrong with the recorded results of one bound; None where one can be right."""
    name = _judge(policy, part, evidence.version, None).gate
    fault: str | None = None
    # Where two rules judged, each recorded a result of this name.
    for recorded in record.gates:
        if recorded.gate == name and recorded.result == "pass":
            fault = _judge_recorded(recorded, policy, part, evidence)
            if fault is None:
                return None
    return fault


def _judge_recorded(
    recorded: GateResult, policy: StagePolicy, part: _Part, evidence: PastEvidence
) -> str | None:
    own = [pair for pair in evidence.version.evaluations if pair[1] == recorded.evidence]
    is_by_row = part.asks(*_BY_ROW)
    if is_by_row and evidence.holder is None:
        return None
    if part.asks("on") and not own:
        return f"says that its gate `{recorded.gate}` passed, by an evaluation that is not here"
    if is_by_row:
        return None
    alone = replace(evidence.version, evaluations=own)
    together = replace(evidence.version, evaluations=_join(evidence.known, own))
    found = result = _judge_beside_any(policy, part, alone, evidence.holder)
    if result.result == "pass":
        result = _judge_beside_any(policy, part, together, evidence.holder)
    if result.result != "pass":
        return _describe(result)
    if _differs(recorded, found):
        return (
            f"says that its gate `{recorded.gate}` passed with {recorded.actual}; its evidence says"
            f" {found.actual}, on the data set that its rule pins"
        )
    return None


def _differs(recorded: GateResult, judged: GateResult) -> bool:
    """Say whether a record has another value than its evidence, or another data set."""
    if recorded.data != judged.data:
        return True
    if isinstance(judged.actual, str):
        return False  # words, which another release may put differently
    written = str(recorded.actual).partition(_BEFORE)[0]
    return written not in (str(judged.actual), show_decimal(Decimal(str(judged.actual))))


def _join(known: Evaluations, own: Evaluations) -> Evaluations:
    return [*(pair for pair in known if pair not in own), *own]


def _judge_beside_any(
    policy: StagePolicy, part: _Part, version: RecordedVersion, holder: RecordedVersion | None
) -> GateResult:
    """Judge beside each evaluation of the holder: which of them was its last then, nobody can tell.

    The result is the first that passes, or else the last.
    """
    result = _judge(policy, part, version, holder)
    if holder is None:
        return result
    for pair in holder.evaluations:
        result = _judge(policy, part, version, replace(holder, evaluations=[pair]))
        if result.result == "pass":
            break
    return result


def _describe(result: GateResult) -> str:
    return (
        f"says that its gate `{result.gate}` passed, which by the records it did not:"
        f" asked for is {result.expected}, and found is {result.actual}"
    )
