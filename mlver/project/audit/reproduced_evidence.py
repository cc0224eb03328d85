"""Whether the gate `reproduced` of a promotion can have passed, and by the record that it names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.policy.gates.gate import NOBODY
from mlver.policy.gates.reproduced import judge_reproduction
from mlver.project.audit.last_evidence import LastEvidence, is_possible
from mlver.project.audit.promotion_landings import LandingFinder
from mlver.project.project import Project
from mlver.project.registry.attached import REPRODUCTIONS
from mlver.records.promotion import GateResult, PromotionRecord
from mlver.records.reproduction import ReproductionRecord
from mlver.records.values import Value

Reproductions = Sequence[tuple[ReproductionRecord, Digest]]


def judge_reproduced(
    project: Project, record: PromotionRecord, asked: Value, landings: LandingFinder
) -> Iterator[str]:
    """Say what is wrong with the gate's result."""

    def judge(view: Reproductions) -> GateResult:
        return judge_reproduction(replace(NOBODY, reproductions=tuple(view)), asked)

    chain = _read_reproductions(project, record)
    found = [pair for pair in chain if pair[0].record == record.record]
    evidence = LastEvidence(
        kind="reproduction",
        found=(found,),
        chains=(chain,),
        repository=project.repository,
        judge=judge,
    )
    yield from evidence.find_faults(record, landings)


def _read_reproductions(project: Project, record: PromotionRecord) -> Reproductions:
    """Read those of the promoted version that are not from after the promotion."""
    # One that cannot be read is named by its own check.
    with suppress(MlverError):
        chain = REPRODUCTIONS.read_digested(project.registry, record.model, record.version)
        return [pair for pair in chain if is_possible(pair[0], record)]
    return ()
