"""A retirement or a restoration that a branch adds."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.project.registry.attached import RETIREMENTS
from mlver.project.registry.registry import RecordRegistry
from mlver.records.layout import AttachedPath
from mlver.records.retirement import RetirementAction


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedRetirement:
    """A retirement or, by its `action`, a restoration that the branch adds."""

    model: str
    version: str
    action: RetirementAction
    in_favour_of: str | None
    author: str
    message: str


def read_added_retirement(registry: RecordRegistry, place: AttachedPath) -> AddedRetirement:
    record = RETIREMENTS.read_placed(registry, place)
    return AddedRetirement(
        model=record.model,
        version=record.version,
        action=record.action,
        in_favour_of=record.successor,
        author=record.author,
        message=record.message,
    )
