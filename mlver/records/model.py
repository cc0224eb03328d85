"""A model's settings, `model.yaml`: what `register` uses when not told
(`schemas/model.schema.json`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from mlver.records import layout
from mlver.records.addresses import is_url
from mlver.records.values import Document, drop_empty_values

Direction = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactSettings:
    """Where an artifact lies, and what the record says of it.

    `stored` False: pin its digest, keep no copy. `follow`: it may lie out of the work tree, behind
    a symlink.
    """

    path: str
    format: str | None = None
    stored: bool = True
    batch: str | None = None
    license: str | None = None
    follow: bool = False

    @property
    def is_remote(self) -> bool:
        """Whether `path` is the address of data that never comes here."""
        return is_url(self.path)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ArtifactSettings:
        return cls(**document)

    def to_document(self) -> Document:
        return {
            "path": self.path,
            **drop_empty_values(format=self.format),
            "stored": self.stored,
            **drop_empty_values(batch=self.batch, license=self.license, follow=self.follow or None),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """`params` and `metrics` are files to read them from.

    `license`, `intended_use` and `limits` are told by the model's card.

    Where there are `param_keys` or `metric_keys`, only the values of these dotted names are read.
    `directions` says which way each metric is better. Every new version gets the `labels`, and the
    `command` where it is not given another. `environment` is the folder of the Python environment
    that it is trained in: from the repository's root, or a whole path outside of it.
    """

    schema: ClassVar[str] = "mlver/model/1"

    model: str
    description: str | None = None
    owner: str | None = None
    license: str | None = None
    intended_use: str | None = None
    limits: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    weights: ArtifactSettings | None = None
    data: Mapping[str, ArtifactSettings] = field(default_factory=dict)
    params: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    param_keys: tuple[str, ...] = ()
    metric_keys: tuple[str, ...] = ()
    directions: Mapping[str, Direction] = field(default_factory=dict)
    command: str | None = None
    environment: str | None = None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> ModelSettings:
        weights = document.get("weights")
        data = document.get("data", {})
        fields = {
            **document,
            "weights": None if weights is None else ArtifactSettings.from_document(weights),
            "data": {name: ArtifactSettings.from_document(item) for name, item in data.items()},
            "params": tuple(document.get("params", ())),
            "metrics": tuple(document.get("metrics", ())),
            "param_keys": tuple(document.get("param_keys", ())),
            "metric_keys": tuple(document.get("metric_keys", ())),
        }
        del fields["schema"]
        return cls(**fields)

    def to_document(self) -> Document:
        return {
            "schema": self.schema,
            "model": self.model,
            **drop_empty_values(
                description=self.description,
                owner=self.owner,
                license=self.license,
                intended_use=self.intended_use,
                limits=self.limits,
                labels=dict(self.labels),
                weights=None if self.weights is None else self.weights.to_document(),
                data={name: item.to_document() for name, item in self.data.items()},
                params=list(self.params),
                metrics=list(self.metrics),
                param_keys=list(self.param_keys),
                metric_keys=list(self.metric_keys),
                directions=dict(self.directions),
                command=self.command,
                environment=self.environment,
            ),
        }

    @property
    def named_artifacts(self) -> dict[str, ArtifactSettings]:
        """The weights, where they are known, and each data set, by name."""
        if self.weights is None:
            return dict(self.data)
        return {"weights": self.weights, **self.data}

    @property
    def followed_paths(self) -> frozenset[str]:
        """The paths of the artifacts that may lie behind a symlink."""
        artifacts = self.named_artifacts.values()
        return frozenset(artifact.path for artifact in artifacts if artifact.follow)

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.settings_path(self.model)
