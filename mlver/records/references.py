"""What a record says of other records, of tags and of policies, pinned by digest or object id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from mlver.digest import Digest
from mlver.records.values import Document, Values, drop_empty_values, read_format

Number = TypeVar("Number", int, str)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyReference:
    """What judged a stage, as `commit` of the main branch had it.

    `digest` is of the canonical JSON of what judges the stage, `signers` of the file of allowed
    signers. `commit` is None where the main branch had no commit, `signers` where it had no file.
    """

    commit: str | None
    digest: Digest
    signers: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> PolicyReference | None:
        if document is None:
            return None
        return cls(
            commit=document["commit"],
            digest=Digest.parse(document["digest"]),
            signers=parse_digest(document["signers"]),
        )

    def to_document(self) -> Document:
        return {
            "commit": self.commit,
            "digest": str(self.digest),
            "signers": write_digest(self.signers),
        }


@dataclass(frozen=True, slots=True)
class VersionReference:
    """A version as another record of its model names it, with the digest of its record's bytes."""

    version: str
    record: Digest

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> VersionReference | None:
        if document is None:
            return None
        return cls(document["version"], Digest.parse(document["record"]))

    def to_document(self) -> Document:
        return {"version": self.version, "record": str(self.record)}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionUse:
    """A version of another model that a version uses, with the digest of its record's bytes."""

    model: str
    version: str
    record: Digest

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VersionUse:
        return cls(**{**document, "record": Digest.parse(document["record"])})

    def to_document(self) -> Document:
        return {"model": self.model, "version": self.version, "record": str(self.record)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Renumbering(Generic[Number]):
    """The number that a record had before a merge gave it another one, and its digest then.

    A promotion's number is an int, a version's is text. Its key in a document is `from`.
    """

    number: Number
    record: Digest

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> Renumbering[Number] | None:
        if document is None:
            return None
        return cls(number=document["from"], record=Digest.parse(document["record"]))

    def to_document(self) -> Document:
        return {"from": self.number, "record": str(self.record)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedTag:
    """The tag of another tool that a record was adopted from, as it was then.

    `object` is the full id of the tag object, or of the commit where the tag is lightweight.
    `commit` is the commit it names; only a version's record says that.
    """

    tag: str
    object: str
    commit: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> AdoptedTag | None:
        if document is None:
            return None
        return cls(**document)

    @classmethod
    def from_extra(cls, extra: Values) -> AdoptedTag | None:
        """What a version's `extra` says of it; None where it says nothing, or not in these
        words.
        """
        adoption = extra.get("adopted")
        words = (
            [adoption.get(key) for key in ("tag", "object", "commit")]
            if isinstance(adoption, Mapping)
            else []
        )
        tag, object_id, commit = words or (None, None, None)
        if isinstance(tag, str) and isinstance(object_id, str) and isinstance(commit, str):
            return cls(tag=tag, object=object_id, commit=commit)
        return None

    def to_document(self) -> Document:
        return {"tag": self.tag, "object": self.object, **drop_empty_values(commit=self.commit)}


def parse_digest(text: str | None) -> Digest | None:
    """The digest in a field that may be empty."""
    return None if text is None else Digest.parse(text)


def write_reference(
    reference: PolicyReference
    | VersionReference
    | Renumbering[int]
    | Renumbering[str]
    | AdoptedTag
    | None,
) -> Document | None:
    """The document of a reference that may be empty."""
    return None if reference is None else reference.to_document()


def write_digest(digest: Digest | None) -> str | None:
    """The text of a digest that may be empty."""
    return None if digest is None else str(digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPins:
    """The digests of what was kept beside a version, and of the run that it came from.

    These files are derived: they tell of bytes that may be elsewhere. So nothing in them is
    believed that the record, which a tag seals, does not pin.

    `tensors` has those of the files below `.mlver/tensors/`, by the digest that each is named by;
    `profiles` those below `.mlver/profiles/`, by the name of the data set. `run` is the digest of
    the run's record.
    """

    tensors: Mapping[Digest, Digest] = field(default_factory=dict)
    profiles: Mapping[str, Digest] = field(default_factory=dict)
    run: Digest | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> KeptPins:
        tensors: dict[Digest, Digest] = {}
        for name, pin in document.get("tensors", {}).items():
            tensors[Digest.parse(name)] = Digest.parse(pin)
        profiles = {name: Digest.parse(pin) for name, pin in document.get("profiles", {}).items()}
        run = document.get("run")
        return cls(
            tensors=tensors, profiles=profiles, run=None if run is None else Digest.parse(run)
        )

    def to_document(self) -> Document:
        return drop_empty_values(
            tensors={str(name): str(pin) for name, pin in self.tensors.items()},
            profiles={name: str(pin) for name, pin in self.profiles.items()},
            run=None if self.run is None else str(self.run),
        )


def read_chained_fields(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read the fields of a chained record: those that all kinds share are values afterwards.

    They are `format`, `record` (the digest of the version's record) and `prior` (that of the record
    before it, None for the first). All others stay as the document has them.
    """
    fields = {**document, "format": read_format(document)}
    del fields["schema"]
    fields["record"] = Digest.parse(document["record"])
    fields["prior"] = parse_digest(document["prior"])
    return fields
