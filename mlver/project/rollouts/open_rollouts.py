"""The rollout of a stage that is open, and what is to be said where a promotion closes it."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.digest import Digest
from mlver.errors import MlverError, summarise_error
from mlver.policy.rollouts import DigestedRollout, find_open
from mlver.project.project import Project
from mlver.project.registry.attached import ROLLOUTS
from mlver.project.registry.registry import RecordRegistry
from mlver.records import layout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.rollout import RolloutRecord


def find_open_rollout(registry: RecordRegistry, model: str, stage: str) -> RolloutRecord | None:
    """Find the open rollout of a stage; None where its holder has all of the traffic.

    Raise MlverError where a record that decides it cannot be read.
    """
    # Most stages never had one, and then no promotion is read.
    if not registry.list_sequences(layout.attached_folder("rollout", model, stage)):
        return None
    promotions = [record for record, _ in registry.read_history(model, stage)]
    found = find_digested(registry, model, stage, promotions)
    return None if found is None else found[0]


def find_digested(
    registry: RecordRegistry, model: str, stage: str, promotions: Sequence[PromotionRecord]
) -> DigestedRollout | None:
    """Find the same with the digest of its bytes; `promotions` are the stage's, oldest first."""
    rollouts = ROLLOUTS.read_digested(registry, model, stage)
    return find_open(rollouts, promotions, _find_holder(promotions))


def _find_holder(promotions: Sequence[PromotionRecord]) -> VersionReference | None:
    if not promotions or promotions[-1].action == "retire":
        return None
    return VersionReference(promotions[-1].version, promotions[-1].record)


def close_rollout(
    project: Project, move: PromotionRecord, promotions: Sequence[PromotionRecord]
) -> Digest | None:
    """Find the rollout that a move of its stage closes, and say so where its candidate loses.

    A rollback does not wait for the repair of a record that cannot be read: a note tells of it.
    """
    try:
        found = find_digested(project.registry, move.model, move.stage, promotions)
    except MlverError as error:
        if move.action != "rollback":
            raise
        reason = summarise_error(error)
        project.reporter.show_note(f"nobody can tell which rollout this closes: {reason}")
        return None
    if found is None:
        return None
    record, digest = found
    if record.version != move.version:
        project.reporter.show_note(
            f"this ends the rollout of {record.model} {record.version}, which had"
            f" {record.share:g} % of {record.stage}"
        )
    return digest
