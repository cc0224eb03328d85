"""The retirement record: a version that nobody should use any more
(`schemas/retirement.schema.json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.references import (
    VersionReference,
    read_chained_fields,
    write_digest,
    write_reference,
)
from mlver.records.values import Document

RetirementAction = Literal["retire", "restore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirementRecord:
    """The last of a version decides whether it is retired.

    `record` is the digest of the version's record, and `prior` that of the retirement record before
    it, None for the first. `in_favour_of` is the version to use instead, None where nobody said.
    """

    format: int = 1
    model: str
    version: str
    sequence: int
    action: RetirementAction
    created: str
    author: str
    message: str
    in_favour_of: VersionReference | None
    record: Digest
    prior: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> RetirementRecord:
        fields = {
            **read_chained_fields(document),
            "in_favour_of": VersionReference.from_document(document["in_favour_of"]),
        }
        return cls(**fields)

    def to_document(self) -> Document:
        return {
            "schema": f"mlver/retirement/{self.format}",
            "model": self.model,
            "version": self.version,
            "sequence": self.sequence,
            "action": self.action,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "in_favour_of": write_reference(self.in_favour_of),
            "record": str(self.record),
            "prior": write_digest(self.prior),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.retirement_path(self.model, self.version, self.sequence)

    @property
    def successor(self) -> str | None:
        """The version to use instead."""
        return None if self.in_favour_of is None else self.in_favour_of.version

    @property
    def reason(self) -> str:
        """Why it was retired, on one line, and what to use instead."""
        first_line = next(iter(self.message.splitlines()), "")
        return f"{first_line}; use {self.successor}" if self.successor else first_line
