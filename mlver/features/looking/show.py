"""`mlver show`: one version whole."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.features.looking.show_result import ShowResult
from mlver.findings import Finding
from mlver.policy.chain import judge_seal
from mlver.project.audit.record_authors import find_unconfirmed_paths, find_unconfirmed_remarks
from mlver.project.audit.record_history import read_record_history
from mlver.project.history.lost_code import describe_lost_code
from mlver.project.history.stage_history import StageHistory
from mlver.project.project import Project, ResolvedRef
from mlver.project.registry.attached import (
    NOTES,
    REPRODUCTIONS,
    RETIREMENTS,
    ROLLOUTS,
    VERDICTS,
    list_judged_stages,
    list_shared_stages,
)
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.registry.tolerant import TolerantReader
from mlver.project.rollouts.open_shares import OpenShare, list_open_shares
from mlver.project.tags import promotion_seals, seals
from mlver.project.tags.promotion_seals import StageHolders
from mlver.records import layout
from mlver.records.note import NoteRecord
from mlver.records.promotion import PromotionRecord
from mlver.records.retirement import RetirementRecord
from mlver.records.rollout import RolloutRecord
from mlver.records.verdict import VerdictRecord
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    from mlver.features.looking.architecture import Architecture


def show_version(project: Project, ref: str | None, *, identity: str | None = None) -> ShowResult:
    """Everything known of the version that `ref` names.

    Its secret parameters are decrypted with a private key of the file `identity`.
    """
    with naming_commits(project.repository):
        return _describe_version(project, project.resolve_ref(ref))


def _describe_version(project: Project, chosen: ResolvedRef) -> ShowResult:
    model = chosen.model
    registry = project.registry
    record, digest = registry.read_version(model, chosen.version)
    tagged = seals.read_tagged_seals(project, model, [chosen.version])
    version_tag, tag_seal = tagged.get(record.version, (None, None))
    broken = judge_seal(model, chosen.version, digest, tag_seal)
    holdings = _find_holdings(project, model, record.version)
    states = promotion_seals.read_shown_seals(project, model, (), holdings).stages
    notes = tuple(NOTES.read_all(registry, model, chosen.version))
    retirements = _read_retirements(project, chosen)
    evaluations = registry.read_evaluations(model, chosen.version)
    return ShowResult(
        record=record,
        digest=str(digest),
        path=layout.version_path(model, chosen.version),
        tag=version_tag.name if version_tag else None,
        commit=version_tag.commit if version_tag else None,
        unsealed="; ".join(f"{finding.subject} {finding.message}" for finding in broken) or None,
        landed=tag_seal.landing.commit if tag_seal and tag_seal.landing else None,
        stages=tuple(states),
        unsealed_stages=tuple(stage for stage, state in states.items() if state == "unsealed"),
        unconfirmed_stages=_find_unconfirmed(project, model, holdings),
        evaluations=tuple(record for record, _ in evaluations),
        approvals=tuple(record for record, _ in registry.read_approvals(model, chosen.version)),
        reproductions=tuple(REPRODUCTIONS.read_all(registry, model, chosen.version)),
        verdicts=_list_verdicts(project, model, record.version),
        rollouts=_list_rollouts(project, model, record.version),
        shares=_list_shares(project, model, record.version),
        notes=notes,
        retirements=retirements,
        unconfirmed_remarks=_find_unconfirmed_remarks(project, model, (*notes, *retirements)),
        lost_code=_find_lost_code(project, record),
        architecture=_find_architecture(project, record),
        secrets=None,
    )


def _list_verdicts(project: Project, model: str, version: str) -> tuple[VerdictRecord, ...]:
    """List the verdicts on a version, by stage, oldest first, and tell about unreadable ones.

    They stand beside those on other versions, which hide nothing of this one.
    """
    reader = TolerantReader()
    verdicts: list[VerdictRecord] = []
    for stage in list_judged_stages(project.registry, model):
        found = reader.try_reading(VERDICTS.read_all, project.registry, model, stage) or ()
        verdicts += [verdict for verdict in found if verdict.version == version]
    for fault in reader.faults:
        project.reporter.show_note(f"a verdict on {model} cannot be read: {fault}")
    return tuple(verdicts)


def _list_rollouts(project: Project, model: str, version: str) -> tuple[RolloutRecord, ...]:
    """List the rollouts of a version, by stage, oldest first, and tell about unreadable ones."""
    reader = TolerantReader()
    rollouts: list[RolloutRecord] = []
    for stage in list_shared_stages(project.registry, model):
        found = reader.try_reading(ROLLOUTS.read_digested, project.registry, model, stage) or ()
        rollouts += [record for record, _ in found if record.version == version]
    for fault in reader.faults:
        project.reporter.show_note(f"a rollout of {model} cannot be read: {fault}")
    return tuple(rollouts)


def _list_shares(project: Project, model: str, version: str) -> tuple[OpenShare, ...]:
    """List what a version has of the traffic of stages now; unreadable rollouts are told above."""
    shares = TolerantReader().try_reading(list_open_shares, project.registry, model) or ()
    return tuple(share for share in shares if share.version == version)


def _find_architecture(project: Project, record: VersionRecord) -> Architecture | None:
    """Find what is kept of the tensors of a version, where it pins anything of them."""
    if not record.kept.tensors:
        return None
    from mlver.features.looking.architecture import read_architecture

    return read_architecture(project, record)


def _read_retirements(project: Project, chosen: ResolvedRef) -> tuple[RetirementRecord, ...]:
    """Read the retirements of a version that can be read, and tell about the others."""
    reader = TolerantReader()
    retirements: list[RetirementRecord] = []
    folder = layout.attached_folder("retirement", chosen.model, chosen.version)
    for sequence in project.registry.list_sequences(folder):
        retirement = reader.try_reading(
            RETIREMENTS.read, project.registry, chosen.model, chosen.version, sequence
        )
        if retirement is not None:
            retirements.append(retirement)
    for fault in reader.faults:
        project.reporter.show_note(f"{chosen.model} {chosen.version} may be retired: {fault}")
    return tuple(retirements)


def _find_unconfirmed_remarks(
    project: Project, model: str, remarks: Sequence[NoteRecord | RetirementRecord]
) -> tuple[str, ...]:
    """Find those whose author no commit of theirs names, by path."""
    # History is read only for a version that has any.
    if not remarks or project.repository.head().commit is None:
        return ()
    history = read_record_history(project.repository, [model], everything=True)
    authors = {remark.record_path: remark.author for remark in remarks}
    return tuple(sorted(find_unconfirmed_remarks(history, authors)))


def _find_lost_code(project: Project, record: VersionRecord) -> Finding | None:
    """Find what is wrong with the code commit; None also where broken references hide it."""
    with suppress(MlverError):
        return next(describe_lost_code(project, [record]), None)
    return None


def _find_holdings(project: Project, model: str, version: str) -> StageHolders:
    """The stages that a version holds, with the promotion that gave it each."""
    holdings: dict[str, tuple[PromotionRecord, Digest]] = {}
    for stage in project.registry.list_stages(model):
        holding = project.registry.find_holding(model, stage)
        if holding is not None and holding[0].version == version:
            holdings[stage] = holding
    return holdings


def _find_unconfirmed(project: Project, model: str, holdings: StageHolders) -> tuple[str, ...]:
    """Find those of these stages whose promotion names an author whom nothing confirms."""
    # History is read only for a version that holds a stage.
    if not holdings or project.repository.head().commit is None:
        return ()
    history = read_record_history(project.repository, [model])
    chains = [_read_chain(project, model, stage) for stage in holdings]
    unconfirmed = find_unconfirmed_paths(project, history, chains)
    return tuple(
        stage for stage, (record, _) in holdings.items() if record.record_path in unconfirmed
    )


def _read_chain(project: Project, model: str, stage: str) -> StageHistory:
    """Read the promotions of a stage that can be read."""
    registry, reader = project.registry, TolerantReader()
    chain: list[tuple[PromotionRecord, Digest]] = []
    for sequence in registry.list_sequences(layout.stage_folder(model, stage)):
        promotion = reader.try_reading(registry.read_promotion, model, stage, sequence)
        if promotion is not None:
            chain.append(promotion)
    return chain
