"""The section `tags`: what the tags that seal records have to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.records.values import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSettings:
    """`signed`: every seal has to carry a good signature.

    `promotions` once asked for tags of promotions. Every promotion is sealed now: it means nothing,
    and is kept as it was read (None: it is not there).
    """

    promotions: bool | None = None
    signed: bool = False

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TagSettings:
        return cls(**document)

    def to_document(self) -> Document:
        if self.promotions is None:
            return {"signed": self.signed}
        return {"promotions": self.promotions, "signed": self.signed}
