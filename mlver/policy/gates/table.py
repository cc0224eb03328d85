"""Every gate by name.

A gate's setting is the key of that name in a stage's settings or below `requires` there, and its
schema is `$defs/gate_<name>` in `schemas/config.schema.json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlver.policy.gates import (
    after,
    agreement,
    approvals,
    authorised,
    contents,
    drilled,
    hold,
    judged,
    licensed,
    recoverable,
    reproduced,
    sealed,
    signed,
    undrifted,
    uses,
    verified,
)
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.policy.stage_policy import StagePolicy
from mlver.records.promotion import GateResult
from mlver.records.sections.stages import StageSettings
from mlver.records.values import Value

# In the order in which results are shown and recorded.
GATES: Mapping[str, Gate] = {
    "sealed": sealed.GATE,
    "after": after.GATE,
    "hold": hold.GATE,
    "gates": agreement.GATE,
    "verified": verified.GATE,
    "approvals": approvals.GATE,
    "recoverable": recoverable.RECOVERABLE,
    "copies": recoverable.COPIES,
    "authorised": authorised.GATE,
    "signed": signed.GATE,
    "formats": contents.FORMATS,
    "max_size": contents.MAX_SIZE,
    "clean_code": contents.CLEAN_CODE,
    "stored": contents.STORED,
    "labels": contents.LABELS,
    "message": contents.MESSAGE,
    "update": contents.UPDATE,
    "licenses": licensed.GATE,
    "drilled": drilled.GATE,
    "uses": uses.GATE,
    "reproduced": reproduced.GATE,
    "drift": undrifted.GATE,
    "verdict": judged.GATE,
}
# The first words of results that are not their gate's name.
_OTHER_WORDS: Mapping[str, str] = {"metric": "gates", "agreement": "gates"}
# These hold for every stage, and no setting switches them off.
ALWAYS: Mapping[str, Value] = {"sealed": True}


# The key below which gates stand that have no key of their own beside the description.
_REQUIRES = "requires"


def join_settings(rule: StageSettings) -> dict[str, Value]:
    """Join the settings of all gates by name, wherever they stand in a stage's settings.

    A gate in both places is switched on where either of them asks for it.
    """
    asked: dict[str, Value] = dict(rule.gates)
    required = asked.pop(_REQUIRES, None)
    if isinstance(required, Mapping):
        for name, setting in required.items():
            asked[name] = setting or asked.get(name, setting)
    return asked


def apply_gates(rule: StageSettings, candidate: StageCandidate) -> tuple[GateResult, ...]:
    """Every gate of a stage applied to a candidate."""
    settings = {**join_settings(rule), **ALWAYS}
    results: list[GateResult] = []
    for name, gate in GATES.items():
        setting = settings.get(name)
        if setting is not None and setting is not False:
            results += [gate.judge(candidate, part) for part in gate.split(setting)]
    return tuple(results)


def apply_policy(policy: StagePolicy, candidate: StageCandidate) -> tuple[GateResult, ...]:
    """Every gate of a policy applied to a candidate, who is told of the policy."""
    return apply_gates(StageSettings(gates=policy.rule), replace(candidate, policy=policy))


def find_gate(name: str) -> Gate:
    """Find the gate that gave a result of this name."""
    word = name.partition(" ")[0]
    return GATES[_OTHER_WORDS.get(word, word)]


def is_open(results: Sequence[GateResult]) -> bool:
    """Only `pass` opens a gate: `inconclusive` keeps it shut."""
    return all(result.result == "pass" for result in results)


def suggest_commands(ref: str, results: Sequence[GateResult]) -> tuple[str, ...]:
    """The next commands for a version that a gate shut out; none where all gates are open."""
    for result in results:
        if result.result != "pass":
            return find_gate(result.gate).suggest_commands(ref, result)
    return ()
