"""The section `guard`: what the hooks keep out of git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """Files above `max_file_size` bytes are refused, and pickles; `allow` lets paths through.

    `protect` are branches that get their commits by merges only.
    """

    max_file_size: int = 10 * 1024 * 1024
    pickle: Literal["forbid", "allow"] = "allow"
    allow: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GuardSettings:
        listed = {key: tuple(document.get(key, ())) for key in ("allow", "protect")}
        return cls(**{**document, **listed})

    def protects_branch(self, branch: str) -> bool:
        """Say whether nobody commits to a branch directly."""
        return any(fnmatchcase(branch, pattern) for pattern in self.protect)

    def to_document(self) -> Document:
        return {
            "max_file_size": self.max_file_size,
            "pickle": self.pickle,
            **drop_empty_values(allow=list(self.allow), protect=list(self.protect)),
        }
