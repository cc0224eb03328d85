"""The section `policy`: whose settings judge promotions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.records import layout
from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """`branch` (in a document: `from`) is the branch whose settings judge; None: the main one.

    It counts only as the main branch has it. `signers` is the file of those who may sign, which is
    read from the same branch.
    """

    branch: str | None = None
    signers: str = layout.ALLOWED_SIGNERS

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PolicySettings:
        return cls(
            branch=document.get("from"),
            signers=document.get("signers", layout.ALLOWED_SIGNERS),
        )

    def to_document(self) -> Document:
        signers = None if self.signers == layout.ALLOWED_SIGNERS else self.signers
        return drop_empty_values(**{"from": self.branch, "signers": signers})
