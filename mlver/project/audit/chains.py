"""Stages as their records have them: read promotion by promotion, and checked to be one chain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.findings import Finding
from mlver.policy.chain import SealState, judge_history
from mlver.project.audit.audit import describe_failure, describe_unreadable
from mlver.project.history.stage_history import StageHistory, read_promoted_digests
from mlver.project.project import Project
from mlver.project.tags import promotion_seals
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.system.parallel import spread_batches

# So many promotions are read by one process at a time: fewer would not pay for it.
_READ_TOGETHER = 500


@dataclass(frozen=True, slots=True)
class CheckedChain:
    """A stage of a model: its promotions as far as they can be read, out of `total`, and what is
    wrong.

    `notes` are no damage: promotions that no tag seals yet, and seals that this clone may lack.
    `before_seals` counts the promotions that are older than seals. `states` says how each is
    sealed, by its number.
    """

    promotions: StageHistory
    total: int
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    before_seals: int = 0
    states: Mapping[int, SealState] = field(default_factory=dict)


def check_chains(project: Project, model: str) -> list[CheckedChain]:
    """Check every stage of a model, promotion by promotion, with the seals of its promotions."""
    try:
        stages = project.registry.list_stages(model)
    except MlverError as error:
        finding = describe_failure(layout.stages_folder(model), error)
        return [CheckedChain((), 0, (finding,))]
    return [check_sealed_chain(project, read_chain(project, model, stage)) for stage in stages]


def check_sealed_chain(project: Project, reading: ChainReading) -> CheckedChain:
    """Check a stage of a model, with the seals of its promotions."""
    return _check_chain_seals(project, reading.model, reading.stage, link_chain(project, reading))


def _check_chain_seals(
    project: Project, model: str, stage: str, chain: CheckedChain
) -> CheckedChain:
    """Add what is to be said of the seals of a stage's promotions."""
    try:
        checked = promotion_seals.check_promotion_seals(project, model, stage, chain.promotions)
    except MlverError as error:
        finding = describe_failure(layout.stage_folder(model, stage), error)
        return replace(chain, findings=(*chain.findings, finding))
    return replace(
        chain,
        findings=(*chain.findings, *checked.broken),
        notes=checked.notes,
        before_seals=checked.before_seals,
        states=checked.states,
    )


@dataclass(frozen=True, slots=True)
class ChainReading:
    """A stage's promotions up to the first that cannot be read, out of `total`, and why not."""

    model: str
    stage: str
    promotions: StageHistory
    total: int
    findings: tuple[Finding, ...] = ()


def check_chain(project: Project, model: str, stage: str) -> CheckedChain:
    """Check one stage of a model, promotion by promotion, up to the first that cannot be read."""
    return link_chain(project, read_chain(project, model, stage))


def read_chain(project: Project, model: str, stage: str) -> ChainReading:
    """Read one stage of a model, promotion by promotion, up to the first that cannot be read."""
    try:
        sequences = project.registry.list_sequences(layout.stage_folder(model, stage))
    except MlverError as error:
        return _report_unlisted(model, stage, error)
    return read_promotions(project, model, stage, sequences)


def _report_unlisted(model: str, stage: str, error: MlverError) -> ChainReading:
    finding = describe_failure(layout.stage_folder(model, stage), error)
    return ChainReading(model, stage, (), 0, (finding,))


def read_promotions(
    project: Project, model: str, stage: str, sequences: Sequence[int]
) -> ChainReading:
    """Read promotions of a stage up to the first that cannot be read."""
    promotions: list[tuple[PromotionRecord, Digest]] = []
    findings: list[Finding] = []
    for sequence in sequences:
        try:
            promotions.append(project.registry.read_promotion(model, stage, sequence))
        except MlverError as error:
            record_path = layout.promotion_path(model, stage, sequence)
            findings.append(describe_unreadable(project, "chain", record_path, error))
            break
    return ChainReading(model, stage, promotions, len(sequences), tuple(findings))


def link_chain(project: Project, reading: ChainReading) -> CheckedChain:
    """Check that the promotions of a stage that were read are one chain."""
    folder = layout.stage_folder(reading.model, reading.stage)
    findings = [*reading.findings]
    try:
        digests = read_promoted_digests(project, reading.model, reading.promotions)
        findings += judge_history(folder, reading.promotions, digests)
    except MlverError as error:
        findings.append(describe_failure(folder, error))
    return CheckedChain(reading.promotions, reading.total, tuple(findings))


# A stage, and numbers of its promotions.
_Batch = tuple[str, str, Sequence[int]]


def read_chains(project: Project, stages: Iterable[tuple[str, str]]) -> list[ChainReading]:
    """Read stages, each a model and the name, in their order, on all processors."""
    readings: dict[tuple[str, str], ChainReading] = {}
    batches: list[_Batch] = []
    for model, stage in stages:
        readings[model, stage] = ChainReading(model, stage, (), 0)
        try:
            sequences = project.registry.list_sequences(layout.stage_folder(model, stage))
        except MlverError as error:
            readings[model, stage] = _report_unlisted(model, stage, error)
            continue
        for start in range(0, len(sequences), _READ_TOGETHER):
            batches.append((model, stage, sequences[start : start + _READ_TOGETHER]))

    def read_batch(group: Sequence[_Batch]) -> list[ChainReading]:
        return [read_promotions(project, *batch) for batch in group]

    for group in spread_batches(read_batch, _gather_batches(batches)):
        for reading in group:
            key = (reading.model, reading.stage)
            readings[key] = _join_readings(readings[key], reading)
    return list(readings.values())


def _gather_batches(batches: Iterable[_Batch]) -> Iterator[list[_Batch]]:
    """Gather small stages, so that no process is given too little to do."""
    gathered: list[_Batch] = []
    for batch in batches:
        gathered.append(batch)
        if sum(len(sequences) for _, _, sequences in gathered) >= _READ_TOGETHER:
            yield gathered
            gathered = []
    if gathered:
        yield gathered


def _join_readings(before: ChainReading, reading: ChainReading) -> ChainReading:
    total = before.total + reading.total
    # Behind one that cannot be read, nothing can be judged.
    if before.findings:
        return replace(before, total=total)
    promotions = (*before.promotions, *reading.promotions)
    return replace(reading, promotions=promotions, total=total)
