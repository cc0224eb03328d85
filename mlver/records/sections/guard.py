"""The section `guard`: what the hooks keep out of git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """Files above `max_file_size` bytes are refused, and pickles; `allow` lets paths through."""

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
