"""The bytes of the files beside the versions: what a server or a proxy is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from mlver.document import emit
from mlver.errors import MlverError
from mlver.names import find_path_fault
from mlver.policy.serving.rendering import RenderedFile, RenderedFiles, ServingOptions
from mlver.policy.serving.served import ServedTarget, ServedVersion, TrafficShare
from mlver.project.serving.targets import FoundTarget
from mlver.records.deployment import DeployedShare, DeployedVersion, DeploymentRecord
from mlver.records.sections.deploy import CANARY, STABLE
from mlver.version import parse_version


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedTarget:
    """The files of a target by step, each by its path, and those of its routes.

    The paths of routes are relative to the repository, the others to the folder of the target.
    """

    steps: tuple[Mapping[str, bytes], ...]
    routes: Mapping[str, bytes]

    @property
    def files(self) -> Mapping[str, bytes]:
        """The files once everything is in place."""
        return self.steps[-1] if self.steps else {}

    def list_inside(self, folder: str) -> frozenset[str]:
        """The files that lie in a folder, by their paths below it."""
        inside = f"{folder}/"
        return frozenset(
            path.removeprefix(inside) for path in self.files if path.startswith(inside)
        )


def render_target(
    target: FoundTarget,
    served: ServedTarget,
    former: DeploymentRecord | None,
    options: ServingOptions,
) -> RenderedTarget:
    """Render everything that a target holds beside versions; raise MlverError as renderers do."""
    before = None if former is None else recall_target(former)
    steps = target.layout.render_steps(before, served, options)
    routes: Mapping[str, bytes] = {}
    if target.routes is not None:
        renderer, route_target = target.routes
        routes = _encode_files(renderer(served, route_target))
    return RenderedTarget(steps=tuple(map(_encode_files, steps)), routes=routes)


def recall_target(record: DeploymentRecord) -> ServedTarget:
    """What was served by a deployment, without the lists of files."""
    kept = tuple(recall_version(record, one) for one in record.kept)
    roles = {role: recall_version(record, one) for role, one in record.roles.items()}
    share = record.share
    return ServedTarget(
        name=record.target,
        stable=roles.get(STABLE),
        canary=roles.get(CANARY),
        share=None
        if share is None
        else TrafficShare(strategy=share.strategy, percent=share.percent, header=share.header),
        kept=kept,
    )


def recall_version(record: DeploymentRecord, served: DeployedVersion) -> ServedVersion:
    """What was served of a version by a deployment, without its files."""
    return ServedVersion(
        model=record.model,
        version=parse_version(served.version),
        record=served.record,
        stage=served.stage or "",
        sequence=served.sequence or 0,
        files={},
    )


def describe_share(share: TrafficShare | None) -> DeployedShare | None:
    if share is None:
        return None
    return DeployedShare(strategy=share.strategy, percent=share.percent, header=share.header)


def _encode_files(files: RenderedFiles) -> dict[str, bytes]:
    encoded: dict[str, bytes] = {}
    for path, content in files.items():
        fault = find_path_fault(path)
        if fault is not None:
            raise MlverError(f"{path!r} cannot be written: it {fault}", hint="mlver config list")
        encoded[path] = _encode_file(path, content)
    return encoded


def _encode_file(path: str, content: RenderedFile) -> bytes:
    if isinstance(content, str):
        return content.encode()
    if path.endswith(".json"):
        return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
    if isinstance(content, Mapping):
        return emit.dump_document(dict(content), path)
    return b"---\n".join(emit.dump_document(dict(one), path) for one in content)
