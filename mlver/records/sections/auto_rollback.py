"""The section `auto_rollback`: which models `mlver watch` may roll back without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRollbackSettings:
    """What may be rolled back of one model: these stages, or every one where there are none."""

    stages: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> AutoRollbackSettings:
        return cls(stages=tuple(document.get("stages", ())))

    def to_document(self) -> Document:
        return drop_empty_values(stages=list(self.stages))

    def allows(self, stage: str) -> bool:
        return not self.stages or stage in self.stages


def read_auto_rollback(
    document: Mapping[str, Any] | Sequence[str],
) -> dict[str, AutoRollbackSettings]:
    """Read what is allowed of each model: a list of names allows every stage of each."""
    if not isinstance(document, Mapping):
        return {model: AutoRollbackSettings() for model in document}
    return {model: AutoRollbackSettings.from_document(part) for model, part in document.items()}


def write_auto_rollback(models: Mapping[str, AutoRollbackSettings]) -> Document:
    return {model: settings.to_document() for model, settings in models.items()}
