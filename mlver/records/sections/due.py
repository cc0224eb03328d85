"""The section `due`: when a model should be trained again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlver.records.durations import read_duration
from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class DueSettings:
    """When one model is due for another training.

    `age` is how old its version may be, None where age is no reason. `metric` is the worst value
    that each metric may have, and `fall` how much worse it may be than at the promotion: a number,
    or a share such as `5%`.
    """

    age: str | None = None
    drift: bool = True
    data: bool = True
    metric: Mapping[str, float] = field(default_factory=dict)
    fall: Mapping[str, float | str] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DueSettings:
        return cls(**document)

    def to_document(self) -> Document:
        return {
            **drop_empty_values(age=self.age),
            "drift": self.drift,
            "data": self.data,
            **drop_empty_values(metric=dict(self.metric), fall=dict(self.fall)),
        }

    @property
    def age_seconds(self) -> int | None:
        return read_duration(self.age)


def read_due(document: Mapping[str, Any]) -> dict[str, DueSettings]:
    return {model: DueSettings.from_document(part) for model, part in document.items()}


def write_due(due: Mapping[str, DueSettings]) -> Document:
    return {model: settings.to_document() for model, settings in due.items()}
