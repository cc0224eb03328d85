"""Results of gates that a promotion recorded, judged again by the records that they rest on. Pure.

Only gates whose whole evidence is in records are judged: the bounds of metrics, and what the
version's own record has to say. Those that samples decide need the samples as well, which a clone
may lack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.policy.gates.gate import NOBODY, AskedStage, RecordedVersion
from mlver.policy.gates.sampled import BY_ROW, NOT_HERE
from mlver.policy.gates.table import GATES
from mlver.policy.recorded_words import BY_LAST, Comparison, find_difference
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

Evaluations = Sequence[tuple[EvaluationRecord, Digest]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEvidence:
    """What records say of a promotion's version, and of the one that held the stage before it.

    `version` has the evaluations that may have been there when it was made, and `known` are those
    that were. `holder` is None where nothing ever held the stage; `is_holder_known`: nobody can
    tell otherwise. `is_renumbered`: a merge gave the promotion, or one of these, another number
    since, so that what was recorded names others.
    """

    version: RecordedVersion
    known: Evaluations
    holder: RecordedVersion | None
    is_holder_known: bool
    is_renumbered: bool = False


@dataclass(frozen=True, slots=True)
class ResultFault:
    """What is wrong with a recorded result; `is_doubt`: bytes that are not here would tell."""

    words: str
    is_doubt: bool = False


def asks_for_evidence(policy: StagePolicy) -> bool:
    """Say whether a policy has a gate that can be judged again."""
    return any(policy.rule.get(name) for name in ("gates", *BY_LAST, *_BY_VERSION))


def find_false_results(
    record: PromotionRecord, policy: StagePolicy, evidence: PastEvidence
) -> Iterator[ResultFault]:
    """Say which gates a promotion says had passed, and that cannot have by the records."""
    for part in _list_parts(policy, _BY_VERSION):
        fault = _judge_plain(record, _judge(policy, part, evidence.version, None))
        if fault is not None:
            yield fault
    for part in _list_parts(policy, BY_LAST):
        fault = _judge_last(record, policy, part, evidence)
        if fault is not None:
            yield fault
    for part in _list_parts(policy, ("gates",)):
        if part.asks(*_CHANGES, *BY_ROW) and not evidence.is_holder_known:
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
    candidate = replace(
        NOBODY,
        version=version.record.version,
        policy=policy,
        recorded=version,
        stage=AskedStage(name="", holder=holder, is_held=holder is not None),
    )
    return GATES[part.gate].judge(candidate, part.setting)


def _list_passed(record: PromotionRecord, gate: str) -> list[GateResult]:
    """List what a promotion says passed by this name: where two rules judged, each has its own."""
    return [result for result in record.gates if (result.gate, result.result) == (gate, "pass")]


def _judge_plain(record: PromotionRecord, judged: GateResult) -> ResultFault | None:
    """Say what is wrong with a gate that the version's own record decides."""
    if judged.result != "pass":
        return _describe(judged)
    differences = [
        find_difference(recorded, judged) for recorded in _list_passed(record, judged.gate)
    ]
    if None in differences:
        return None
    return next((ResultFault(words) for words in differences if words is not None), None)


def _judge_last(
    record: PromotionRecord, policy: StagePolicy, part: _Part, evidence: PastEvidence
) -> ResultFault | None:
    """Say what is wrong with a gate by the last evaluation; None where one of them can be it.

    That is the last which was known, or a later one that may have been.
    """
    last = max((record.sequence for record, _ in evidence.known), default=0)
    later = [pair for pair in evidence.version.evaluations if pair[0].sequence > last]
    views = [evidence.known, *([*evidence.known, pair] for pair in later)]
    comparison: Comparison = "values" if evidence.is_renumbered else "words"
    fault: ResultFault | None = None
    for view in views:
        judged = _judge(policy, part, replace(evidence.version, evaluations=view), None)
        if judged.result != "pass":
            fault = fault or _describe(judged)
            continue
        differences = [
            find_difference(recorded, judged, comparison)
            for recorded in _list_passed(record, judged.gate)
        ]
        if None in differences:
            return None
        fault = next((ResultFault(words) for words in differences if words is not None), fault)
    return fault


def _judge_metric(
    record: PromotionRecord, policy: StagePolicy, part: _Part, evidence: PastEvidence
) -> ResultFault | None:
    """Say what is wrong with the recorded results of one bound; None where one can be right."""
    name = _judge(policy, part, evidence.version, None).gate
    fault: ResultFault | None = None
    for recorded in _list_passed(record, name):
        fault = _judge_recorded(recorded, policy, part, evidence)
        if fault is None:
            return None
    return fault


def _judge_recorded(
    recorded: GateResult, policy: StagePolicy, part: _Part, evidence: PastEvidence
) -> ResultFault | None:
    own = [pair for pair in evidence.version.evaluations if pair[1] == recorded.evidence]
    if not own and evidence.is_renumbered:
        own = list(evidence.version.evaluations)
    is_unmeasured = part.asks(*BY_ROW) and evidence.holder is None
    if part.asks("on") and not own and not is_unmeasured:
        words = f"says that its gate `{recorded.gate}` passed, by an evaluation that is not here"
        return ResultFault(words)
    alone = replace(evidence.version, evaluations=own)
    together = replace(evidence.version, evaluations=_join(evidence.known, own))
    results = list(_judge_beside_each(policy, part, alone, evidence.holder))
    later = results
    if len(together.evaluations) > len(own):
        later = list(_judge_beside_each(policy, part, together, evidence.holder))
    for judged in (results, later):
        if not any(result.result == "pass" for result in judged):
            return _describe(judged[-1])
    return _compare(recorded, results, later, _find_comparison(evidence, own))


def _join(known: Evaluations, own: Evaluations) -> Evaluations:
    return [*(pair for pair in known if pair not in own), *own]


def _judge_beside_each(
    policy: StagePolicy, part: _Part, version: RecordedVersion, holder: RecordedVersion | None
) -> Iterator[GateResult]:
    """Judge beside each evaluation of the holder: which of them was its last then, nobody can tell.

    The first result is beside all of them.
    """
    yield _judge(policy, part, version, holder)
    if holder is None or not part.asks(*_CHANGES, *BY_ROW):
        return
    for pair in holder.evaluations:
        yield _judge(policy, part, version, replace(holder, evaluations=[pair]))


def _find_comparison(evidence: PastEvidence, own: Evaluations) -> Comparison:
    """Find how closely recorded words can be compared.

    What was measured earlier is told in them, and which of it was there may be open.
    """
    if evidence.is_renumbered:
        return "values"
    last = max((record.sequence for record, _ in own), default=0)
    if any(record.sequence > last for record, _ in evidence.known):
        return "last words"
    possible = [one.sequence for one, _ in evidence.version.evaluations if one.sequence < last]
    known = [one.sequence for one, _ in evidence.known if one.sequence < last]
    return "words" if sorted(possible) == sorted(known) else "last words"


def _compare(
    recorded: GateResult,
    results: Sequence[GateResult],
    later: Sequence[GateResult],
    comparison: Comparison,
) -> ResultFault | None:
    """Compare what was recorded with what passes beside some evaluation of the holder.

    `later` are the results by all that was known, which tell what was measured before.
    """
    difference: str | None = None
    for judged in later if comparison == "words" else results:
        if judged.result == "pass":
            found = find_difference(recorded, judged, comparison)
            if found is None:
                return None
            difference = difference or found
    return ResultFault(difference) if difference is not None else None


def _describe(result: GateResult) -> ResultFault:
    if str(result.actual).endswith(NOT_HERE):
        words = f"says that its gate `{result.gate}` passed, which nobody can tell: {result.actual}"
        return ResultFault(words, is_doubt=True)
    return ResultFault(
        f"says that its gate `{result.gate}` passed, which by the records it did not:"
        f" asked for is {result.expected}, and found is {result.actual}"
    )
