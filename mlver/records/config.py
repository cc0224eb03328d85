"""A repository's settings, `.mlver/config.yaml` (`schemas/config.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """`after`: stages a version must have held before this one; `verified`: every byte is checked before it moves."""

    description: str | None = None
    after: tuple[str, ...] = ()
    verified: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> StageSettings:
        return cls(**{**document, "after": tuple(document.get("after", ()))})

    def to_document(self) -> Document:
        return {
            **drop_empty_values(description=self.description, after=list(self.after)),
            "verified": self.verified,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSettings:
    """`promotions`: each promotion gets a tag of its own, so that pushing it can start a pipeline.

    `signed`: every version tag has to carry a good signature.
    """

    promotions: bool = False
    signed: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TagSettings:
        return cls(**document)

    def to_document(self) -> Document:
        return {"promotions": self.promotions, "signed": self.signed}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """What hooks keep out of git: files above `max_file_size` bytes, and pickles; `allow` are paths let through."""

    max_file_size: int = 10 * 1024 * 1024
    pickle: Literal["forbid", "allow"] = "allow"
    allow: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GuardSettings:
        return cls(**{**document, "allow": tuple(document.get("allow", ()))})

    def to_document(self) -> Document:
        return {
            "max_file_size": self.max_file_size,
            "pickle": self.pickle,
            **drop_empty_values(allow=list(self.allow)),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectConfig:
    """Stages in the order they are listed. Gates, remotes and retention will be sections beside them."""

    schema: ClassVar[str] = "mlver/config/1"

    stages: Mapping[str, StageSettings] = field(default_factory=dict)
    tags: TagSettings = field(default_factory=TagSettings)
    guard: GuardSettings = field(default_factory=GuardSettings)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ProjectConfig:
        stages = document.get("stages", {})
        return cls(
            stages={name: StageSettings.from_document(stage) for name, stage in stages.items()},
            tags=TagSettings.from_document(document.get("tags", {})),
            guard=GuardSettings.from_document(document.get("guard", {})),
        )

    def to_document(self) -> Document:
        return {
            "schema": self.schema,
            "stages": {name: stage.to_document() for name, stage in self.stages.items()},
            **drop_empty_values(
                tags=None if self.tags == TagSettings() else self.tags.to_document(),
                guard=None if self.guard == GuardSettings() else self.guard.to_document(),
            ),
        }
