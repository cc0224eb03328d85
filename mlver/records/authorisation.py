"""The authorisation record: what a data set may be used for (`schemas/authorisation.schema.json`).

It is about a digest, not about a version: what data may be used for is decided once, and may end
later. Records stay in git for ever, so no names of the people that the data is about belong here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.references import parse_digest, write_digest
from mlver.records.values import Document, drop_empty_values, read_format

AuthorisationAction = Literal["grant", "withdraw"]
# GDPR Art. 6(1), points a to f.
Basis = Literal[
    "consent",
    "contract",
    "legal_obligation",
    "vital_interests",
    "public_task",
    "legitimate_interests",
]
# How far data is about people; `special` are the categories of GDPR Art. 9.
Personal = Literal["none", "pseudonymous", "personal", "special"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisationRecord:
    """A grant, or a withdrawal of all grants before it.

    `data` is the digest of the data set, or of a file in one. A withdrawal without `purposes` ends
    all of them. `until` is the last day of a grant in UTC, such as `2027-12-31`, None where it has
    no end. `basis` is None for data that is about nobody; a withdrawal has neither `basis`,
    `personal` nor `until`. `prior` is the digest of the record before it, None for the first.
    """

    format: int = 1
    data: Digest
    sequence: int
    action: AuthorisationAction
    created: str
    author: str
    message: str
    basis: Basis | None = None
    purposes: tuple[str, ...]
    personal: Personal | None = None
    reference: str | None = None
    until: str | None = None
    prior: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> AuthorisationRecord:
        fields = {
            **document,
            "data": Digest.parse(document["data"]),
            "purposes": tuple(document["purposes"]),
            "prior": parse_digest(document["prior"]),
        }
        del fields["schema"]
        return cls(format=read_format(document), **fields)

    def to_document(self) -> Document:
        return {
            "schema": f"mlver/authorisation/{self.format}",
            "data": str(self.data),
            "sequence": self.sequence,
            "action": self.action,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            **drop_empty_values(basis=self.basis),
            "purposes": list(self.purposes),
            **drop_empty_values(personal=self.personal, reference=self.reference, until=self.until),
            "prior": write_digest(self.prior),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.authorisation_path(self.data, self.sequence)
