"""The layout `kubernetes`: a Deployment and a Service for each version, and a Service a role.

`versions.yaml` is applied first, and `roles.yaml` once the pods are available: a role moves as its
Service selects the pods of another version, which run already. The image of a version is built
from `NAME-VERSION/Dockerfile`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.policy.serving.dockerfile import write_dockerfile
from mlver.policy.serving.layout_options import (
    BASE,
    CPU,
    FOLDER,
    HEALTH,
    IMAGE,
    MEMORY,
    NAMESPACE,
    PORT,
    REPLICAS,
    LayoutOption,
    TextOption,
    read_options,
)
from mlver.policy.serving.rendering import (
    RenderedFile,
    RenderedFiles,
    ServingLayout,
    ServingOptions,
)
from mlver.policy.serving.resource_names import (
    describe_version,
    list_environment,
    name_model,
    name_role,
    name_version,
)
from mlver.policy.serving.resources import NAME, VERSION, describe_managed, limit_resources
from mlver.policy.serving.roles import list_roles, list_versions
from mlver.policy.serving.served import ServedTarget, ServedVersion

VERSIONS = "versions.yaml"
ROLES = "roles.yaml"
OPTIONS: Mapping[str, LayoutOption] = {
    "base": BASE,
    "image": TextOption(IMAGE.pattern, IMAGE.example, is_required=True),
    "mount": FOLDER,
    "port": PORT,
    "health": HEALTH,
    "namespace": NAMESPACE,
    "replicas": REPLICAS,
    "cpu": CPU,
    "memory": MEMORY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesOptions:
    """`image` is the name under which versions are built, from `base`; the tag is the version.

    `mount` is the folder of the model in the image, `health` the path that tells whether a pod may
    get traffic.
    """

    base: str
    image: str
    mount: str = "/model"
    port: int = 8080
    health: str | None = None
    namespace: str | None = None
    replicas: int = 1
    cpu: str | None = None
    memory: str | None = None

    @classmethod
    def from_options(cls, options: ServingOptions) -> KubernetesOptions:
        return cls(**read_options("kubernetes", options, OPTIONS))


def _place_version(version: ServedVersion, _options: ServingOptions) -> str:
    return f"{name_version(version.model, version.version)}/model"


def _render_steps(
    _former: ServedTarget | None, target: ServedTarget, options: ServingOptions
) -> tuple[RenderedFiles, ...]:
    chosen = KubernetesOptions.from_options(options)
    files: dict[str, RenderedFile] = {}
    running: list[dict[str, Any]] = []
    for version in list_versions(target):
        name = name_version(version.model, version.version)
        files[f"{name}/Dockerfile"] = write_dockerfile(version, chosen.base, chosen.mount)
        running.append(_describe_deployment(version, target, chosen))
        running.append(_describe_service(name, version, target, chosen))
    roles = [
        _describe_service(name_role(version.model, role), version, target, chosen)
        for role, version in list_roles(target).items()
    ]
    if running:
        files[VERSIONS] = running
    if roles:
        files[ROLES] = roles
    return (files,)


def _select_pods(version: ServedVersion) -> dict[str, str]:
    name = name_version(version.model, version.version)
    return {NAME: name_model(version.model), VERSION: name}


def _describe_deployment(
    version: ServedVersion, target: ServedTarget, options: KubernetesOptions
) -> dict[str, Any]:
    selected = _select_pods(version)
    name = name_version(version.model, version.version)
    metadata = describe_managed(name, target, options.namespace, **selected)
    pod = {
        "automountServiceAccountToken": False,
        "containers": [_describe_container(version, options)],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata, "annotations": describe_version(version)},
        "spec": {
            "replicas": options.replicas,
            "selector": {"matchLabels": selected},
            "template": {
                "metadata": {"labels": selected, "annotations": describe_version(version)},
                "spec": pod,
            },
        },
    }


def _describe_container(version: ServedVersion, options: KubernetesOptions) -> dict[str, Any]:
    variables = {**list_environment(version), "MODEL_PATH": options.mount}
    container: dict[str, Any] = {
        "name": "model",
        "image": f"{options.image}:{version.version}",
        "ports": [{"name": "http", "containerPort": options.port}],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "securityContext": {"allowPrivilegeEscalation": False},
    }
    if options.health is not None:
        container["readinessProbe"] = {"httpGet": {"path": options.health, "port": "http"}}
    resources = limit_resources(options.cpu, options.memory)
    if resources:
        container["resources"] = resources
    return container


def _describe_service(
    name: str, version: ServedVersion, target: ServedTarget, options: KubernetesOptions
) -> dict[str, Any]:
    metadata = describe_managed(name, target, options.namespace)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**metadata, "annotations": describe_version(version)},
        "spec": {
            "selector": _select_pods(version),
            "ports": [{"name": "http", "port": options.port, "targetPort": "http"}],
        },
    }


LAYOUT = ServingLayout(render_steps=_render_steps, place_version=_place_version, keeps_former=True)
