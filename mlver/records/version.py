"""The version record: what one version of a model is made of (`schemas/version.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.artifact import Artifact, artifacts_from_document, artifacts_to_document
from mlver.records.values import Document, Metrics, Values, drop_empty_values, thaw_value

Update = Literal["full", "incremental", "hybrid"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeState:
    """`commit` is the full object id that was checked out, None before a repository's first commit;
    `branch` is None on a detached HEAD; `dirty`: tracked files differed from the commit."""

    commit: str | None
    branch: str | None
    dirty: bool

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> CodeState:
        return cls(**document)

    def to_document(self) -> Document:
        return {"commit": self.commit, "branch": self.branch, "dirty": self.dirty}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEnvironment:
    """Where it was trained.

    `files` pins what describes the rest: lock files, requirements, a Dockerfile.
    """

    python: str
    platform: str
    packages: Mapping[str, str] = field(default_factory=dict)
    command: str | None = None
    accelerator: str | None = None
    seed: int | None = None
    files: Mapping[str, Digest] = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TrainingEnvironment:
        files = {path: Digest.parse(text) for path, text in document.get("files", {}).items()}
        return cls(**{**document, "files": files})

    def to_document(self) -> Document:
        return {
            "python": self.python,
            "platform": self.platform,
            **drop_empty_values(
                packages=dict(self.packages),
                command=self.command,
                accelerator=self.accelerator,
                seed=self.seed,
                files={path: str(digest) for path, digest in self.files.items()},
            ),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedTag:
    """The tag a version was adopted from: its name, its object and the commit it names, as they
    were then.
    """

    tag: str
    object_id: str
    commit: str

    @classmethod
    def from_extra(cls, extra: Values) -> AdoptedTag | None:
        """What `extra` says of it; None where it says nothing, or not in these words."""
        adoption = extra.get("adopted")
        words = (
            [adoption.get(key) for key in ("tag", "object", "commit")]
            if isinstance(adoption, Mapping)
            else []
        )
        tag, object_id, commit = words or (None, None, None)
        if isinstance(tag, str) and isinstance(object_id, str) and isinstance(commit, str):
            return cls(tag=tag, object_id=object_id, commit=commit)
        return None

    def to_document(self) -> Document:
        return {"tag": self.tag, "object": self.object_id, "commit": self.commit}


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """One immutable version.

    `version`, `parent`: semver, no `v`; `created`: UTC, such as `2026-11-21T03:04:05Z`.
    """

    schema: ClassVar[str] = "mlver/version/1"

    model: str
    version: str
    created: str
    author: str
    message: str
    parent: str | None
    update: Update
    code: CodeState
    weights: Artifact
    data: Mapping[str, Artifact] = field(default_factory=dict)
    params: Values = field(default_factory=dict)
    metrics: Metrics = field(default_factory=dict)
    environment: TrainingEnvironment | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    extra: Values = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VersionRecord:
        environment = document.get("environment")
        fields = {
            **document,
            "code": CodeState.from_document(document["code"]),
            "weights": Artifact.from_document(document["weights"]),
            "data": artifacts_from_document(document),
            "environment": None
            if environment is None
            else TrainingEnvironment.from_document(environment),
        }
        del fields["schema"]
        return cls(**fields)

    def to_document(self) -> Document:
        return {
            "schema": self.schema,
            "model": self.model,
            "version": self.version,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "parent": self.parent,
            "update": self.update,
            "code": self.code.to_document(),
            "weights": self.weights.to_document(),
            **drop_empty_values(
                data=artifacts_to_document(self.data),
                params=thaw_value(self.params),
                metrics=thaw_value(self.metrics),
                environment=None if self.environment is None else self.environment.to_document(),
                labels=dict(self.labels),
                extra=thaw_value(self.extra),
            ),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.version_path(self.model, self.version)

    @property
    def adopted_tag(self) -> AdoptedTag | None:
        """The tag it was adopted from; None for a version that was registered."""
        return AdoptedTag.from_extra(self.extra)

    def named_artifacts(self) -> dict[str, Artifact]:
        """Every artifact by name: `weights` first, then the data sets in order."""
        return {"weights": self.weights, **self.data}

    @property
    def unkept_data_sets(self) -> tuple[str, ...]:
        """The data sets of which only the digest is kept: whether their bytes are still anywhere,
        nobody here knows.
        """
        return tuple(name for name, artifact in self.data.items() if not artifact.stored)
