"""The section `deploy`: the targets that serve versions, each with how and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlver.records.values import Document, drop_empty_values

LayoutName = Literal[
    "directories",
    "tensorflow-serving",
    "triton",
    "kserve",
    "bentoml",
    "kubernetes",
    "compose",
]
RouteKind = Literal["nginx", "haproxy", "envoy", "gateway-api", "none"]
FolderNaming = Literal["time", "version"]
# What a renderer is told beside what every target has.
OptionValues = Mapping[str, str | int | float | bool]

STABLE = "stable"
CANARY = "canary"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteSettings:
    """How traffic finds the roles of a target.

    `file` is written for a proxy, relative to the repository's root; `upstreams` are the addresses
    behind the roles.
    """

    kind: RouteKind = "none"
    file: str | None = None
    upstreams: Mapping[str, str] = field(default_factory=dict)
    options: OptionValues = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | str) -> RouteSettings:
        if isinstance(document, str):
            return cls()
        return cls(**document)

    def to_document(self) -> Document | str:
        if self == RouteSettings():
            return "none"
        return drop_empty_values(
            kind=self.kind,
            file=self.file,
            upstreams=dict(self.upstreams),
            options=dict(self.options),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSettings:
    """A place that serves versions of one model.

    `path` is its folder, relative to the repository's root or absolute. `model` is None where there
    is one model only. `stages` says by role (`stable`, `canary`) which stage it serves. `keep`
    versions stay in the folder, and those of `keep_serving` besides, which stay answerable.
    `options` are for the layout.
    """

    layout: LayoutName
    path: str
    model: str | None = None
    stages: Mapping[str, str]
    routes: RouteSettings = field(default_factory=RouteSettings)
    names: FolderNaming = "time"
    keep: int = 5
    keep_serving: tuple[str, ...] = ()
    data: bool = False
    options: OptionValues = field(default_factory=dict)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TargetSettings:
        fields = {
            **document,
            "routes": RouteSettings.from_document(document.get("routes", {})),
            "keep_serving": tuple(document.get("keep_serving", ())),
        }
        return cls(**fields)

    def to_document(self) -> Document:
        routes = None if self.routes == RouteSettings() else self.routes.to_document()
        return {
            "layout": self.layout,
            "path": self.path,
            **drop_empty_values(model=self.model),
            "stages": dict(self.stages),
            **drop_empty_values(routes=routes),
            "names": self.names,
            "keep": self.keep,
            **drop_empty_values(
                keep_serving=list(self.keep_serving),
                data=self.data or None,
                options=dict(self.options),
            ),
        }


def read_targets(document: Mapping[str, Any]) -> dict[str, TargetSettings]:
    """The targets by name, in the order they are listed."""
    return {name: TargetSettings.from_document(target) for name, target in document.items()}


def write_targets(targets: Mapping[str, TargetSettings]) -> Document:
    return {name: target.to_document() for name, target in targets.items()}
