"""The layout `kserve`: an InferenceService whose candidate stands under `spec.canary`.

That is how KServe's Standard mode splits traffic, from 0.20; `canaryTrafficPercent` is of its
Knative mode only. The files of a version lie in `models/NAME/VERSION/`, and `storage` is where the
cluster sees the folder of the target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.errors import MlverError, shell_command
from mlver.policy.serving.layout_options import (
    CPU,
    MEMORY,
    NAMESPACE,
    REPLICAS,
    STORAGE,
    WORD,
    LayoutOption,
    TextOption,
    read_options,
)
from mlver.policy.serving.rendering import RenderedFiles, ServingLayout, ServingOptions
from mlver.policy.serving.resource_names import describe_version, name_model, name_version
from mlver.policy.serving.resources import describe_managed, limit_resources
from mlver.policy.serving.served import ServedTarget, ServedVersion

MANIFEST = "inferenceservice.yaml"
_FORMAT = TextOption(WORD.pattern, "onnx", is_required=True)
OPTIONS: Mapping[str, LayoutOption] = {
    "format": _FORMAT,
    "storage": STORAGE,
    "runtime": WORD,
    "namespace": NAMESPACE,
    "replicas": REPLICAS,
    "cpu": CPU,
    "memory": MEMORY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KserveOptions:
    """`format` is that of the model, `runtime` the one that serves it; KServe finds one by itself.

    `storage` is the address at which the cluster sees the folder of the target.
    """

    format: str
    storage: str
    runtime: str | None = None
    namespace: str | None = None
    replicas: int | None = None
    cpu: str | None = None
    memory: str | None = None

    @classmethod
    def from_options(cls, options: ServingOptions) -> KserveOptions:
        return cls(**read_options("kserve", options, OPTIONS))


def _place_version(version: ServedVersion, _options: ServingOptions) -> str:
    return f"models/{version.model}/{version.version}"


def _render_steps(
    _former: ServedTarget | None, target: ServedTarget, options: ServingOptions
) -> tuple[RenderedFiles, ...]:
    chosen = KserveOptions.from_options(options)
    if target.stable is None:
        _refuse_lone_candidate(target)
        return ({},)
    spec: dict[str, Any] = {"predictor": _describe_predictor(target.stable, chosen)}
    if target.canary is not None:
        candidate = {
            "name": name_version(target.canary.model, target.canary.version),
            **_describe_predictor(target.canary, chosen),
        }
        spec["canary"] = [{"trafficPercent": _find_percent(target), "predictor": candidate}]
    metadata = describe_managed(name_model(target.stable.model), target, chosen.namespace)
    metadata["annotations"] = {
        "serving.kserve.io/deploymentMode": "Standard",
        **describe_version(target.stable),
    }
    document = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": metadata,
        "spec": spec,
    }
    return ({MANIFEST: document},)


def _refuse_lone_candidate(target: ServedTarget) -> None:
    if target.canary is not None:
        raise MlverError(
            f"{target.name} has a candidate and no stable version, and KServe needs one",
            hint=shell_command("mlver", "stages", target.canary.model),
        )


def _describe_predictor(version: ServedVersion, options: KserveOptions) -> dict[str, Any]:
    model: dict[str, Any] = {
        "modelFormat": {"name": options.format},
        "storageUri": f"{options.storage}/{_place_version(version, {})}",
    }
    if options.runtime is not None:
        model["runtime"] = options.runtime
    resources = limit_resources(options.cpu, options.memory)
    if resources:
        model["resources"] = resources
    if options.replicas is None:
        return {"model": model}
    return {"minReplicas": options.replicas, "model": model}


def _find_percent(target: ServedTarget) -> int:
    """The candidate's share in whole percents, as KServe takes nothing else."""
    share = target.share
    if share is None:
        return 0
    if share.strategy in {"ab", "shadow"}:
        raise MlverError(
            f"KServe can split traffic by request only, and {target.name} has a rollout of the"
            f" strategy {share.strategy}; the layout kubernetes with `routes` can do that",
            hint="mlver config list",
        )
    if share.percent != int(share.percent):
        raise MlverError(
            f"KServe takes whole percents, and the candidate of {target.name} has"
            f" {share.percent:g} %",
            hint="mlver rollout --help",
        )
    return int(share.percent)


LAYOUT = ServingLayout(render_steps=_render_steps, place_version=_place_version)
