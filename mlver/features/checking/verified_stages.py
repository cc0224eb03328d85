"""What verify looks at of stages: their chains and seals, and all promotions judged again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from mlver.findings import Finding
from mlver.project.audit import audit
from mlver.project.audit.audit import CheckedChain
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
    found: Sequence[Finding] = (),
) -> StageReport:
    """Check the stages of these models; with `everything`, judge their promotions again.

    What follows from what was `found` already is not said again.
    """
    chains: list[CheckedChain] = []
    for model in models:
        chains += audit.check_chains(project, model)
    findings: list[Finding] = []
    notes: list[Finding] = []
    for chain in chains:
        findings += chain.findings
        notes += chain.notes
    judged = PromotionReport()
    if everything:
        judged = judge_promotions(project, [chain.promotions for chain in chains], versions)
        explained = _list_explained([*found, *findings], chains, versions)
        judged = _drop_explained(judged, explained)
    return StageReport(
        promotions=sum(chain.total for chain in chains),
        before_seals=sum(chain.before_seals for chain in chains),
        findings=(*findings, *judged.findings),
        notes=(*notes, *judged.notes),
        unconfirmed=judged.unconfirmed,
    )


def _list_explained(
    found: Iterable[Finding], chains: Iterable[CheckedChain], versions: Iterable[VersionRecord]
) -> set[str]:
    """List the records whose tag of another tool is named as gone, or as another one.

    Nothing else tells which rule judged them, or whose they are.
    """
    lost = {finding.subject for finding in found if finding.kind == "tag"}
    origins = {record.record_path: record.adopted_tag for record in versions}
    for chain in chains:
        for record, _ in chain.promotions:
            origins[record.record_path] = record.adopted
    return {path for path, origin in origins.items() if origin is not None and origin.tag in lost}


def _drop_explained(report: PromotionReport, explained: Collection[str]) -> PromotionReport:
    findings = [
        finding
        for finding in report.findings
        if finding.kind != "policy" or finding.subject not in explained
    ]
    unconfirmed = [finding for finding in report.unconfirmed if finding.subject not in explained]
    return replace(report, findings=tuple(findings), unconfirmed=tuple(unconfirmed))
