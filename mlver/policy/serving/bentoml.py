"""The layout `bentoml`: a model store, `models/NAME/VERSION/model.yaml`, where `latest` is stable.

The folder of the target is what the variable BENTOML_HOME names. A service reads `digits:latest`,
or a version by its number; BentoML has no other names for roles.
"""

from __future__ import annotations

import re
from typing import Any

from mlver.errors import MlverError, shell_command
from mlver.policy.serving.layout_options import read_options
from mlver.policy.serving.rendering import (
    RenderedFile,
    RenderedFiles,
    ServingLayout,
    ServingOptions,
)
from mlver.policy.serving.resource_names import describe_version
from mlver.policy.serving.roles import list_versions
from mlver.policy.serving.served import ServedTarget, ServedVersion

MODEL_FILE = "model.yaml"
_MODELS = "models"
# A tag's name and its version, each (bentoml/_internal/tag.py).
_TAG_PART = re.compile(r"[a-z0-9](?:[-._a-z0-9]{0,61}[a-z0-9])?")
# BentoML takes no model without a date.
_NO_DATE = "1970-01-01T00:00:00+00:00"


def _place_version(version: ServedVersion, _options: ServingOptions) -> str:
    return f"{_MODELS}/{_write_tag_part(version.model)}/{_write_tag_part(str(version.version))}"


def _render_steps(
    _former: ServedTarget | None, target: ServedTarget, options: ServingOptions
) -> tuple[RenderedFiles, ...]:
    read_options("bentoml", options, {})
    files: dict[str, RenderedFile] = {}
    for version in list_versions(target):
        place = _place_version(version, options)
        if MODEL_FILE in version.files:
            raise MlverError(
                f"the weights of {version.model} {version.version} hold a {MODEL_FILE}, which"
                " BentoML's store has for itself; register the folder without that file",
                hint=shell_command("mlver", "register", version.model, "--help"),
            )
        files[f"{place}/{MODEL_FILE}"] = _describe_model(version)
    if target.stable is not None:
        name = _write_tag_part(target.stable.model)
        files[f"{_MODELS}/{name}/latest"] = _write_tag_part(str(target.stable.version))
    return (files,)


def _describe_model(version: ServedVersion) -> dict[str, Any]:
    """Describe it as `ModelInfo` of BentoML does; every key is needed."""
    return {
        "name": _write_tag_part(version.model),
        "version": _write_tag_part(str(version.version)),
        "module": "",
        "labels": {},
        "options": {},
        "metadata": describe_version(version),
        "context": {"framework_name": "", "framework_versions": {}},
        "signatures": {},
        "api_version": "v1",
        "creation_time": version.created or _NO_DATE,
    }


def _write_tag_part(text: str) -> str:
    """BentoML knows lower case only; mlver has no two names that differ by case."""
    lowered = text.lower()
    if not _TAG_PART.fullmatch(lowered) or lowered == "latest":
        raise MlverError(
            f"BentoML takes no name like {text}: it may have 63 letters, digits, `.`, `_` and `-`,"
            " begin and end with a letter or a digit, and not be `latest`; other layouts take it",
            hint="mlver config list",
        )
    return lowered


LAYOUT = ServingLayout(render_steps=_render_steps, place_version=_place_version)
