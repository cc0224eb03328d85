"""The version record: what one version of a model is made of (`schemas/version.schema.json`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.artifact import Artifact, artifacts_from_document, artifacts_to_document
from mlver.records.references import (
    AdoptedTag,
    KeptPins,
    Renumbering,
    VersionUse,
    write_reference,
)
from mlver.records.values import (
    Document,
    Metrics,
    Values,
    drop_empty_values,
    read_format,
    thaw_value,
)

Update = Literal["full", "incremental", "hybrid"]
# What `extra` says of values of files that the command line replaced.
_REPLACED = "replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeState:
    """`commit` is the full object id that was checked out, None before a repository's first commit.

    `tree` is the git tree of that commit without `.mlver/`, None where nobody recorded it. `branch`
    is None on a detached HEAD; `dirty`: tracked files differed from the commit.
    """

    commit: str | None
    tree: str | None = None
    branch: str | None
    dirty: bool

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> CodeState:
        return cls(**document)

    def to_document(self) -> Document:
        return {
            "commit": self.commit,
            **drop_empty_values(tree=self.tree),
            "branch": self.branch,
            "dirty": self.dirty,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEnvironment:
    """Where it was trained; `source` says which environment this describes.

    `files` pins what describes the rest: lock files, requirements, a Dockerfile.
    """

    python: str
    platform: str
    source: str | None = None
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
                source=self.source,
                packages=dict(self.packages),
                command=self.command,
                accelerator=self.accelerator,
                seed=self.seed,
                files={path: str(digest) for path, digest in self.files.items()},
            ),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """One immutable version.

    `version`, `previous`, `parent`: semver, no `v`; `created`: UTC, such as `2026-11-21T03:04:05Z`.
    `previous` is the version before it, `parent` the one that it was trained from; format 1 has
    only `parent`, for both. `mixed` are the parts that are another version's, each with that one;
    `secrets` are encrypted parameters by name, and `uses` other models' versions. `kept` pins what
    was derived and kept beside it; `unreadable` are the files of the weights that are not what
    their names say, each with what is wrong.
    """

    format: int = 2
    model: str
    version: str
    created: str
    author: str
    message: str
    previous: str | None = None
    parent: str | None
    update: Update
    code: CodeState
    weights: Artifact
    data: Mapping[str, Artifact] = field(default_factory=dict)
    params: Values = field(default_factory=dict)
    metrics: Metrics = field(default_factory=dict)
    environment: TrainingEnvironment | None = None
    mixed: Mapping[str, str] = field(default_factory=dict)
    kept: KeptPins = field(default_factory=KeptPins)
    unreadable: Mapping[str, str] = field(default_factory=dict)
    run: str | None = None
    pipeline: str | None = None
    step: str | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)
    uses: tuple[VersionUse, ...] = ()
    renumbered: Renumbering[str] | None = None
    imported: Values = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    extra: Values = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VersionRecord:
        fields = {
            **document,
            "code": CodeState.from_document(document["code"]),
            "weights": Artifact.from_document(document["weights"]),
            "data": artifacts_from_document(document),
            "kept": KeptPins.from_document(document.get("kept", {})),
            "renumbered": Renumbering[str].from_document(document.get("renumbered")),
        }
        del fields["schema"]
        if "environment" in document:
            fields["environment"] = TrainingEnvironment.from_document(document["environment"])
        if "uses" in document:
            fields["uses"] = tuple(map(VersionUse.from_document, document["uses"]))
        return cls(format=read_format(document), **fields)

    def to_document(self) -> Document:
        document = {
            "schema": f"mlver/version/{self.format}",
            "model": self.model,
            "version": self.version,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "previous": self.previous,
            "parent": self.parent,
            "update": self.update,
            "code": self.code.to_document(),
            "weights": self.weights.to_document(),
            **drop_empty_values(
                data=artifacts_to_document(self.data),
                params=thaw_value(self.params),
                metrics=thaw_value(self.metrics),
                environment=None if self.environment is None else self.environment.to_document(),
                mixed=dict(self.mixed),
                kept=self.kept.to_document(),
                unreadable=dict(self.unreadable),
                run=self.run,
                pipeline=self.pipeline,
                step=self.step,
                secrets=dict(self.secrets),
                uses=[use.to_document() for use in self.uses],
                renumbered=write_reference(self.renumbered),
                imported=thaw_value(self.imported),
                labels=dict(self.labels),
                extra=thaw_value(self.extra),
            ),
        }
        if self.format == 1:
            del document["previous"]
        return document

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.version_path(self.model, self.version)

    @property
    def predecessor(self) -> str | None:
        """The version before it; a record of format 1 calls that its parent."""
        return self.parent if self.format == 1 else self.previous

    @property
    def followed_versions(self) -> tuple[str, ...]:
        """The versions that it names: the one before it, and the one it was trained from."""
        named = dict.fromkeys((self.previous, self.parent))
        return tuple(version for version in named if version is not None)

    @property
    def adopted_tag(self) -> AdoptedTag | None:
        """The tag it was adopted from; None for a version that was registered."""
        return AdoptedTag.from_extra(self.extra)

    @property
    def replaced_values(self) -> dict[str, Values]:
        """The params and metrics of files, by dotted name, where the command line gave others."""
        replaced: dict[str, Values] = {"params": {}, "metrics": {}}
        listed = self.extra.get(_REPLACED)
        # anybody may have written it: `extra` holds anything
        if isinstance(listed, Mapping):
            for kind in replaced:
                values = listed.get(kind)
                if isinstance(values, Mapping):
                    replaced[kind] = values
        return replaced

    @staticmethod
    def describe_replaced(replaced: Mapping[str, Values]) -> Document:
        """Write the same into `extra`; nothing where nothing was replaced."""
        listed = {kind: thaw_value(values) for kind, values in replaced.items() if values}
        return drop_empty_values(**{_REPLACED: listed})

    def replace_described(self, replaced: Mapping[str, Values]) -> Document:
        """The same in place of what `extra` says of it, beside all else there."""
        others = {key: value for key, value in self.extra.items() if key != _REPLACED}
        return {**others, **self.describe_replaced(replaced)}

    def named_artifacts(self) -> dict[str, Artifact]:
        """Every artifact by name: `weights` first, then the data sets in order."""
        return {"weights": self.weights, **self.data}

    def select_artifacts(self, names: Collection[str]) -> dict[str, Artifact]:
        """Select the artifacts of these names; all of them if there are none."""
        artifacts = self.named_artifacts()
        if not names:
            return artifacts
        return {name: artifact for name, artifact in artifacts.items() if name in names}
