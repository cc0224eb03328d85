"""Whether the gate `verdict` of a promotion can have passed, and by the record that it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.gates.gate import NOBODY
from mlver.policy.gates.judged import judge_verdict_gate
from mlver.policy.stage_policy import StagePolicy
from mlver.project.audit.last_evidence import LastEvidence, is_possible
from mlver.project.audit.promotion_landings import LandingFinder
from mlver.project.history.landed_verdicts import is_known_stage
from mlver.project.project import Project
from mlver.project.registry.attached import VERDICTS, list_judged_stages
from mlver.records.promotion import GateResult, PromotionRecord
from mlver.records.verdict import VerdictRecord

Verdicts = Sequence[tuple[VerdictRecord, Digest]]


def judge_verdicts(
    project: Project, record: PromotionRecord, policy: StagePolicy, landings: LandingFinder
) -> Iterator[str]:
    """Say what is wrong with the gate's result."""
    wanted = str(policy.rule["verdict"])

    def judge(view: Verdicts) -> GateResult:
        return judge_verdict_gate(replace(NOBODY, policy=policy, verdicts=tuple(view)), wanted)

    chains = _read_verdicts(project, record)
    found = [[pair for pair in chain if pair[0].record == record.record] for chain in chains]
    evidence = LastEvidence(
        kind="verdict",
        found=found,
        chains=chains,
        repository=project.repository,
        judge=judge,
    )
    yield from evidence.find_faults(record, landings)


def _read_verdicts(project: Project, record: PromotionRecord) -> Sequence[Verdicts]:
    """Read those on the promoted model, by stage, that are not from after the promotion."""
    chains: list[Verdicts] = []
    # One that cannot be read is named by its own check.
    with suppress(MlverError):
        for stage in list_judged_stages(project.registry, record.model):
            if not is_known_stage(project.registry, record.model, stage):
                continue
            chain = VERDICTS.read_digested(project.registry, record.model, stage)
            chains.append([pair for pair in chain if is_possible(pair[0], record)])
        return chains
    return ()
