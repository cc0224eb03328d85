"""The section `stages`: the stages a version can hold, and what each asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlver.records.values import Document, Value, drop_empty_values, thaw_value


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """`gates` holds the settings of the stage's gates by name: see `mlver.policy.gates.table`."""

    description: str | None = None
    gates: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> StageSettings:
        gates = {key: value for key, value in document.items() if key != "description"}
        return cls(description=document.get("description"), gates=gates)

    def to_document(self) -> Document:
        gates: Document = thaw_value(self.gates)
        return {**drop_empty_values(description=self.description), **gates}


def read_stages(document: Mapping[str, Any]) -> dict[str, StageSettings]:
    """The stages by name, in the order they are listed."""
    return {name: StageSettings.from_document(stage) for name, stage in document.items()}


def write_stages(stages: Mapping[str, StageSettings]) -> Document:
    return {name: stage.to_document() for name, stage in stages.items()}
