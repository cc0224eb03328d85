"""When a promotion can be what it says it is, as far as its record and a policy tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlver.policy.gates.gate import NOBODY
from mlver.policy.gates.table import apply_policy
from mlver.policy.stage_policy import StagePolicy
from mlver.records.promotion import GateResult, PromotionRecord

_AFTER = "after "
# What a rollback records in place of the stage's gates: see `mlver.policy.gates.verified`.
_ROLLBACK_GATES = frozenset({"verified bytes"})


def list_asked_gates(policy: StagePolicy) -> Sequence[GateResult]:
    """List the gates that a policy asks of a promotion: by name, with what they ask for."""
    return apply_policy(policy, NOBODY)


def is_without_policy(record: PromotionRecord) -> bool:
    """Say whether a merge renumbered a promotion that names no policy, as format 1 has none.

    Nor does a rollback of any format.
    """
    return record.renumbered is not None and record.policy is None


def find_gate_faults(record: PromotionRecord) -> Iterator[str]:
    """Say which results of a promotion's gates should have kept it from being made."""
    if record.forced:
        return
    for gate in record.gates:
        if gate.result != "pass":
            yield f"was made though its gate `{gate.gate}` did not pass, and was not forced"


def list_missing_gates(record: PromotionRecord, policy: StagePolicy) -> list[str]:
    """List the gates that a policy asks of a promotion and that its record does not have."""
    recorded = {gate.gate for gate in record.gates}
    return [gate.gate for gate in list_asked_gates(policy) if gate.gate not in recorded]


def find_rollback_faults(record: PromotionRecord, *, was_held: bool) -> Iterator[str]:
    """Say what is wrong with a rollback; `was_held`: its stage held that version before.

    It asks no gate of the stage, so it may only go back to such a version, and it records that the
    bytes were proven.
    """
    if not was_held:
        yield f"rolls back to {record.version}, which the stage never held"
    if {gate.gate for gate in record.gates} - {"signed"} != _ROLLBACK_GATES:
        yield "does not say that the bytes were proven, as every rollback does"


def list_claimed_stages(record: PromotionRecord) -> list[str]:
    """List the stages that a promotion says its version had held before."""
    stages: list[str] = []
    for gate in record.gates:
        if gate.gate.startswith(_AFTER) and gate.result == "pass":
            stages.append(gate.gate.removeprefix(_AFTER))
    return stages
