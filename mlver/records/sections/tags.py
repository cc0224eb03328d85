"""The section `tags`: what the tags that seal records have to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlver.records.values import Document, drop_empty_values


@dataclass(frozen=True, slots=True, kw_only=True)
class TagSettings:
    """`signed`: every seal has to carry a good signature.

    `mirror`: whose tags tell of promotions as well, for those who go by them.

    `promotions` once asked for tags of promotions. Every promotion is sealed now: it means nothing,
    and is kept as it was read (None: it is not there).
    """

    promotions: bool | None = None
    signed: bool = False
    mirror: Literal["gto"] | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TagSettings:
        return cls(**document)

    def to_document(self) -> Document:
        kept = {} if self.promotions is None else {"promotions": self.promotions}
        return {**kept, "signed": self.signed, **drop_empty_values(mirror=self.mirror)}
