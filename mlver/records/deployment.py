"""The deployment record: what a target served from then on (`schemas/deployment.schema.json`).

It is written once everything is in place, so that it never tells of something that was not served.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.deployment_paths import deployment_path
from mlver.records.references import parse_digest, write_digest
from mlver.records.sections.deploy import CANARY, LayoutName
from mlver.records.values import Document, drop_empty_values, read_format

DeployedStrategy = Literal["canary", "ab", "shadow", "blue-green"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedVersion:
    """A version in a target.

    `record` is the digest of its record, and `sequence` the number of what moved `stage` to it: a
    promotion, or a rollout for the candidate of one. Both are None for a version that is only kept.
    `folder` is where its files are, relative to the folder of the target; None where none are.
    """

    version: str
    record: Digest
    stage: str | None = None
    sequence: int | None = None
    folder: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DeployedVersion:
        return cls(**{**document, "record": Digest.parse(document["record"])})

    def to_document(self) -> Document:
        return {
            "version": self.version,
            "record": str(self.record),
            **drop_empty_values(stage=self.stage, sequence=self.sequence, folder=self.folder),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployedShare:
    """The part of the traffic that goes to the canary, in percent."""

    strategy: DeployedStrategy
    percent: float
    header: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> DeployedShare | None:
        return None if document is None else cls(**document)

    def to_document(self) -> Document:
        return {
            "strategy": self.strategy,
            "percent": self.percent,
            **drop_empty_values(header=self.header),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRecord:
    """What a target served by role, and what was kept answerable beside it.

    `layout` and `path` are those of the settings. `files` are the files that were written beside
    the versions, by path, and `routes` is the digest of the file of routes. `prior` is the digest
    of the deployment before it, None for the first.
    """

    format: int = 1
    target: str
    sequence: int
    created: str
    author: str
    message: str
    layout: LayoutName
    path: str
    model: str
    roles: Mapping[str, DeployedVersion]
    kept: tuple[DeployedVersion, ...] = ()
    share: DeployedShare | None = None
    files: Mapping[str, Digest] = field(default_factory=dict)
    routes: Digest | None = None
    prior: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DeploymentRecord:
        roles = document["roles"].items()
        files = document.get("files", {}).items()
        kept = document.get("kept", ())
        fields = {
            **document,
            "roles": {role: DeployedVersion.from_document(served) for role, served in roles},
            "kept": tuple(map(DeployedVersion.from_document, kept)),
            "share": DeployedShare.from_document(document.get("share")),
            "files": {path: Digest.parse(digest) for path, digest in files},
            "routes": parse_digest(document.get("routes")),
            "prior": parse_digest(document["prior"]),
        }
        del fields["schema"]
        return cls(format=read_format(document), **fields)

    def to_document(self) -> Document:
        share = None if self.share is None else self.share.to_document()
        return {
            "schema": f"mlver/deployment/{self.format}",
            "target": self.target,
            "sequence": self.sequence,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "layout": self.layout,
            "path": self.path,
            "model": self.model,
            "roles": {role: served.to_document() for role, served in self.roles.items()},
            **drop_empty_values(
                kept=[served.to_document() for served in self.kept],
                share=share,
                files={path: str(digest) for path, digest in self.files.items()},
                routes=write_digest(self.routes),
            ),
            "prior": write_digest(self.prior),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return deployment_path(self.target, self.sequence)

    def find_origin(self, role: str) -> str | None:
        """Where the record lies that brought a version to its role: a promotion, or the rollout of
        the canary that had a share; None where that is not said.
        """
        served = self.roles[role]
        if served.stage is None or served.sequence is None:
            return None
        if self.is_candidate(role):
            return layout.rollout_path(self.model, served.stage, served.sequence)
        return layout.promotion_path(self.model, served.stage, served.sequence)

    def is_candidate(self, role: str) -> bool:
        """Whether a rollout brought the version of a role, and no promotion."""
        return role == CANARY and self.share is not None
