"""Promotion records written by hand, as an older mlver or a forger leaves them."""

from __future__ import annotations

from dataclasses import replace

from mlver.document import codec
from mlver.policy.staging import stage_holder
from mlver.project.project import Project
from mlver.records.promotion import Action, PromotionRecord
from tests.conftest import Repository


def write_promotion(
    repository: Repository,
    version: str,
    *,
    stage: str = "production",
    action: Action = "promote",
    format: int = 1,
    model: str = "digits",
    **changes: object,
) -> str:
    """Commit a promotion record without a seal, linked to the one before it; return its path."""
    project = Project.find_from(repository.path)
    history = project.registry.read_history(model, stage)
    _, digest = project.registry.read_version(model, version)
    record = PromotionRecord(
        format=format,
        model=model,
        stage=stage,
        sequence=len(history) + 1,
        action=action,
        version=version,
        previous=stage_holder([promotion for promotion, _ in history]),
        created=project.record_time,
        author="Kim <kim@example.org>",
        message="By hand",
        record=digest,
        prior=history[-1][1] if history else None,
    )
    record = replace(record, **changes)  # type: ignore[arg-type]
    data = codec.encode_document("promotion", record.to_document())
    repository.write(record.record_path, data)
    repository.commit(f"Move {stage} by hand")
    return record.record_path
