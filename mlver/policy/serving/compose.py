"""The layout `compose`: a service for each version, in a file for `docker compose`.

A role is not part of any service, as compose would start that again when the role moves. The roles
stand under `x-mlver`, which compose passes over, and the routes lead to the services by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.policy.serving.dockerfile import write_dockerfile
from mlver.policy.serving.layout_options import (
    BASE,
    FOLDER,
    IMAGE,
    PORT,
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
from mlver.policy.serving.resource_names import list_environment, name_model, name_version
from mlver.policy.serving.roles import list_roles, list_versions
from mlver.policy.serving.served import ServedTarget, ServedVersion

COMPOSE_FILE = "compose.yaml"
_CPUS = TextOption(re.compile(r"[1-9][0-9]{0,5}|[0-9]{1,5}\.[0-9]{0,2}[1-9]"), "'0.5'")
_MEMORY = TextOption(re.compile(r"[1-9][0-9]{0,9}[bkmg]?"), "512m")
OPTIONS: Mapping[str, LayoutOption] = {
    "base": BASE,
    "image": IMAGE,
    "mount": FOLDER,
    "port": PORT,
    "cpu": _CPUS,
    "memory": _MEMORY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeOptions:
    """`base` is what the image of a version is built from, `image` its name; the tag is the
    version.

    `mount` is the folder of the model in the image.
    """

    base: str
    image: str | None = None
    mount: str = "/model"
    port: int = 8080
    cpu: str | None = None
    memory: str | None = None

    @classmethod
    def from_options(cls, options: ServingOptions) -> ComposeOptions:
        return cls(**read_options("compose", options, OPTIONS))


def _place_version(version: ServedVersion, _options: ServingOptions) -> str:
    return f"{name_version(version.model, version.version)}/model"


def _render_steps(
    _former: ServedTarget | None, target: ServedTarget, options: ServingOptions
) -> tuple[RenderedFiles, ...]:
    chosen = ComposeOptions.from_options(options)
    files: dict[str, RenderedFile] = {}
    services = {}
    for version in list_versions(target):
        name = name_version(version.model, version.version)
        files[f"{name}/Dockerfile"] = write_dockerfile(version, chosen.base, chosen.mount)
        services[name] = _describe_service(name, version, chosen)
    if services:
        roles = list_roles(target)
        names = {role: name_version(each.model, each.version) for role, each in roles.items()}
        files[COMPOSE_FILE] = {
            "name": name_model(list_versions(target)[0].model),
            "services": services,
            "x-mlver": {"target": target.name, **names},
        }
    return (files,)


def _describe_service(name: str, version: ServedVersion, options: ComposeOptions) -> dict[str, Any]:
    service: dict[str, Any] = {"build": {"context": f"./{name}"}}
    if options.image is not None:
        service["image"] = f"{options.image}:{version.version}"
    service["environment"] = {**list_environment(version), "MODEL_PATH": options.mount}
    service["expose"] = [str(options.port)]
    service["restart"] = "unless-stopped"
    if options.cpu is not None:
        service["cpus"] = options.cpu
    if options.memory is not None:
        service["mem_limit"] = options.memory
    return service


LAYOUT = ServingLayout(render_steps=_render_steps, place_version=_place_version, keeps_former=True)
