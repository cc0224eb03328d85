"""An artifact: a file or a directory that a version pins by content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlver.digest import Digest
from mlver.records.values import Document, drop_empty_values

# The name that an artifact of one file has in `executable`.
WHOLE_FILE = "."


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedCopy:
    """The encrypted bytes that are stored in place of the plain ones, and who can read them."""

    object: Digest
    recipients: tuple[str, ...]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> EncryptedCopy:
        return cls(
            object=Digest.parse(document["object"]), recipients=tuple(document["recipients"])
        )

    def to_document(self) -> Document:
        return {"object": str(self.object), "recipients": list(self.recipients)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """`size` is in bytes and `files` a count, over the whole directory.

    `stored`: its bytes are in the object store. `executable`: the files that may be executed, as
    sorted paths inside a directory, or `WHOLE_FILE`; None where the record says nothing of that,
    so that modes are left alone. `listing` pins a remote prefix; `claimed` are
    checksums that only a server claimed, by algorithm.
    """

    path: str
    digest: Digest
    size: int
    files: int
    format: str | None = None
    stored: bool
    batch: str | None = None
    license: str | None = None
    executable: tuple[str, ...] | None = None
    encrypted: EncryptedCopy | None = None
    listing: Digest | None = None
    claimed: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_remote(self) -> bool:
        """Whether its bytes never come here: `path` is an address."""
        return self.listing is not None

    @property
    def is_plain(self) -> bool:
        """Whether its files are in the object store as they are, not encrypted."""
        return self.stored and self.encrypted is None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Artifact:
        fields = {**document, "digest": Digest.parse(document["digest"])}
        if "executable" in document:
            fields["executable"] = tuple(document["executable"])
        if "encrypted" in document:
            fields["encrypted"] = EncryptedCopy.from_document(document["encrypted"])
        if "listing" in document:
            fields["listing"] = Digest.parse(document["listing"])
        return cls(**fields)

    def to_document(self) -> Document:
        # An empty list says that none may be executed.
        modes = {} if self.executable is None else {"executable": list(self.executable)}
        return {
            "path": self.path,
            "digest": str(self.digest),
            "size": self.size,
            "files": self.files,
            **drop_empty_values(format=self.format),
            "stored": self.stored,
            **drop_empty_values(
                batch=self.batch,
                license=self.license,
            ),
            **modes,
            **drop_empty_values(
                encrypted=None if self.encrypted is None else self.encrypted.to_document(),
                listing=None if self.listing is None else str(self.listing),
                claimed=dict(self.claimed),
            ),
        }


def artifacts_from_document(document: Mapping[str, Any]) -> dict[str, Artifact]:
    """The data sets of a record, by name."""
    return {name: Artifact.from_document(item) for name, item in document.get("data", {}).items()}


def artifacts_to_document(data: Mapping[str, Artifact]) -> Document:
    return {name: artifact.to_document() for name, artifact in data.items()}
