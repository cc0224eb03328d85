"""The section `tags`: which tags there are, and what version tags have to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.records.values import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSettings:
    """`promotions`: each promotion gets a tag, so that pushing the tag can start a pipeline.

    `signed`: every version tag has to carry a good signature.
    """

    promotions: bool = False
    signed: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TagSettings:
        return cls(**document)

    def to_document(self) -> Document:
        return {"promotions": self.promotions, "signed": self.signed}
