"""What verify looks at of stages: their chains and seals, and all promotions judged again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mlver.findings import Finding
from mlver.project.audit.chains import CheckedChain, check_chains
from mlver.project.audit.promotions import PromotionReport, judge_promotions
from mlver.project.project import Project
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class StageReport:
    """The stages of some models: how many promotions there are, and what is wrong with them.

    `unconfirmed` are promotions whose author nothing confirms.
    """

    promotions: int
    before_seals: int
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    unconfirmed: tuple[Finding, ...]


def check_stages(
    project: Project,
    models: Iterable[str],
    versions: Sequence[VersionRecord],
    *,
    everything: bool,
) -> StageReport:
    """Check the stages of these models; with `everything`, judge their promotions again."""
    chains: list[CheckedChain] = []
    for model in models:
        chains += check_chains(project, model)
    findings: list[Finding] = []
    notes: list[Finding] = []
    for chain in chains:
        findings += chain.findings
        notes += chain.notes
    judged = PromotionReport()
    if everything:
        judged = judge_promotions(project, [chain.promotions for chain in chains], versions)
    return StageReport(
        promotions=sum(chain.total for chain in chains),
        before_seals=sum(chain.before_seals for chain in chains),
        findings=(*findings, *judged.findings),
        notes=(*notes, *judged.notes),
        unconfirmed=judged.unconfirmed,
    )
