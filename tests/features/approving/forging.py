"""Promotions with approvals, made by hand."""

from __future__ import annotations

from typing import Any

from mlver.project.history.policies import read_judging_rules
from mlver.project.project import Project
from mlver.records.promotion import ApprovalReference, GateResult
from tests.features.approving.conftest import Team
from tests.promotions import write_promotion


def forge(team: Team, *numbers: int, signed: str | None = None, **changes: Any) -> str:
    """Commit a promotion that says that all gates passed, and names these approvals."""
    team.become("pat")
    project = Project.open_existing(team.repository.path)
    given = dict(enumerate(project.registry.read_approvals("digits", "1.1.0", "production"), 1))
    references: list[ApprovalReference] = []
    for number in numbers:
        record, digest = given[number]
        reference = ApprovalReference(approver=record.author, record=digest, signed=signed)
        references.append(reference)
    judging = read_judging_rules(project, "production")
    gates: list[GateResult] = []
    for name in ("sealed", "approvals", "signed"):
        gates.append(GateResult(gate=name, result="pass", expected="all", actual="all"))
    forged: dict[str, Any] = {
        "author": "Pat <pat@example.org>",
        "approvals": tuple(references),
        "gates": tuple(gates),
        "policy": judging.reference,
        **changes,
    }
    return write_promotion(team.repository, "1.1.0", format=2, **forged)
