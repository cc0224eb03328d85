"""Every gate by name.

A gate's setting is the key of that name in a stage's settings or below `requires` there, and its
schema is `$defs/gate_<name>` in `schemas/config.schema.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mlver.policy.gates import after, approvals, authorised, recoverable, sealed, signed, verified
from mlver.policy.gates.gate import Gate, StageCandidate
from mlver.policy.stage_policy import StagePolicy
from mlver.records.promotion import GateResult
from mlver.records.sections.stages import StageSettings
from mlver.records.values import Value

# In the order in which results are shown and recorded.
GATES: Mapping[str, Gate] = {
    "sealed": sealed.GATE,
    "after": after.GATE,
    "verified": verified.GATE,
    "recoverable": recoverable.RECOVERABLE,
    "copies": recoverable.COPIES,
    "authorised": authorised.GATE,
    "approvals": approvals.GATE,
    "signed": signed.GATE,
}
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
        for setting in _list_settings(settings.get(name)):
            results.append(gate.judge(candidate, setting))
    return tuple(results)


def apply_policy(policy: StagePolicy, candidate: StageCandidate) -> tuple[GateResult, ...]:
    """Every gate of a policy applied to a candidate, who is told of the policy."""
    return apply_gates(StageSettings(gates=policy.rule), replace(candidate, policy=policy))


def _list_settings(setting: Value) -> Iterator[Value]:
    """What a gate is asked for: once for each entry of a list, never where it is off."""
    if isinstance(setting, Sequence) and not isinstance(setting, str):
        yield from setting
    elif setting is not None and setting is not False:
        yield setting


def is_open(results: Sequence[GateResult]) -> bool:
    """Only `pass` opens a gate: `inconclusive` keeps it shut."""
    return all(result.result == "pass" for result in results)


def suggest_commands(ref: str, results: Sequence[GateResult]) -> tuple[str, ...]:
    """The next commands for a version that a gate shut out; none where all gates are open."""
    for result in results:
        if result.result != "pass":
            name = result.gate.partition(" ")[0]
            return GATES[name].suggest_commands(ref, result)
    return ()
