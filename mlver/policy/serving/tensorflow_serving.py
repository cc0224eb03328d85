"""The layout `tensorflow-serving`: `models/NAME/NUMBER/`, and `models.config` with the roles as
labels.

A label may only be given to a version that is loaded; else the server refuses all the new labels
(`UpdateModelVersionLabelMap` in its server_core.cc). So roles move in two steps: first the server
loads what is new, beside what it has, with its labels as they were; then the labels move. What
served before stays loaded, and going back is the second step alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlver.policy.serving.layout_options import FOLDER, WORD, LayoutOption, read_options
from mlver.policy.serving.rendering import (
    RenderedFiles,
    ServerReadiness,
    ServingLayout,
    ServingOptions,
)
from mlver.policy.serving.roles import keep_former, list_roles, list_versions
from mlver.policy.serving.served import ServedTarget, ServedVersion
from mlver.policy.serving.text_proto import quote_proto_text
from mlver.policy.serving.version_numbers import number_version

CONFIG = "models.config"
_MODELS = "models"
OPTIONS: Mapping[str, LayoutOption] = {"mount": FOLDER, "platform": WORD}
_HEAD = """\
# mlver wrote this for the target {target}, and will write it again.
# Start the server with --model_config_file_poll_wait_seconds=10, so that it reads changes, and
# with --allow_version_labels_for_unavailable_models, as without that it refuses labels when it
# starts: no version is loaded yet.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorflowServingOptions:
    """`mount` is where the server sees the folder `models`, `platform` that of the model."""

    mount: str = "/models"
    platform: str = "tensorflow"

    @classmethod
    def from_options(cls, options: ServingOptions) -> TensorflowServingOptions:
        return cls(**read_options("tensorflow-serving", options, OPTIONS))


def _place_version(version: ServedVersion, _options: ServingOptions) -> str:
    return f"{_MODELS}/{version.model}/{number_version(version.version)}"


def _render_steps(
    former: ServedTarget | None, target: ServedTarget, options: ServingOptions
) -> tuple[RenderedFiles, ...]:
    chosen = TensorflowServingOptions.from_options(options)
    loaded = list_versions(keep_former(former, target))
    last = _write_config(target.name, loaded, list_roles(target), chosen)
    if former is None or not list_roles(former):
        return ({CONFIG: last},)
    first = _write_config(target.name, loaded, list_roles(former), chosen)
    return ({CONFIG: last},) if first == last else ({CONFIG: first}, {CONFIG: last})


def _write_config(
    target: str,
    versions: list[ServedVersion],
    roles: Mapping[str, ServedVersion],
    options: TensorflowServingOptions,
) -> str:
    lines = [_HEAD.format(target=target), "model_config_list {\n"]
    if versions:
        model = versions[0].model
        lines += ["  config {\n", f"    name: {quote_proto_text(model)}\n"]
        lines.append(f"    base_path: {quote_proto_text(f'{options.mount}/{model}')}\n")
        lines.append(f"    model_platform: {quote_proto_text(options.platform)}\n")
        lines += ["    model_version_policy {\n", "      specific {\n"]
        lines += [f"        versions: {number_version(each.version)}\n" for each in versions]
        lines += ["      }\n", "    }\n"]
        for role, version in sorted(roles.items()):
            entry = f"key: {quote_proto_text(role)} value: {number_version(version.version)}"
            lines.append(f"    version_labels {{ {entry} }}\n")
        lines.append("  }\n")
    return "".join([*lines, "}\n"])


def _find_status_path(target: ServedTarget) -> str:
    """The path is the model's; a target that serves nothing has nothing to wait for."""
    for version in list_roles(target).values():
        return f"/v1/models/{version.model}"
    return "/v1/models"


def _is_ready(document: Mapping[str, Any], target: ServedTarget) -> bool:
    """Whether the server says of every version with a role that it is loaded."""
    statuses = document.get("model_version_status")
    available = set()
    for status in statuses if isinstance(statuses, list) else ():
        if isinstance(status, Mapping) and status.get("state") == "AVAILABLE":
            available.add(str(status.get("version")))
    wanted = {str(number_version(each.version)) for each in list_roles(target).values()}
    return wanted <= available


LAYOUT = ServingLayout(
    render_steps=_render_steps,
    place_version=_place_version,
    keeps_former=True,
    readiness=ServerReadiness(status_path=_find_status_path, is_ready=_is_ready),
)
