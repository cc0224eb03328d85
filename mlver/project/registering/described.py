"""What a registration says of the model and of its artifacts, for `model.yaml` to keep.

One rule says what the next version inherits. What describes the model or an artifact (its path,
whether it is stored, its licence, its batch, the owner, the description) is kept in `model.yaml`,
and holds until something else is said. What describes one version (its labels, its command, its
values) stands in its record only. Labels and a command that a person wrote into `model.yaml` belong
to the model, and every new version has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlver.document import codec
from mlver.errors import UsageError
from mlver.project.registering.request import RegisterRequest
from mlver.records.model import ModelSettings


def describe_settings(settings: ModelSettings, request: RegisterRequest) -> ModelSettings:
    """Add what the request says of the model and of its artifacts.

    Raise UsageError for an artifact that there is not, InvalidDocument for text that `model.yaml`
    cannot hold.
    """
    for name in request.unstored:
        settings = _change_artifact(settings, "--no-store", name, stored=False)
    for name, license_text in request.licenses.items():
        settings = _change_artifact(settings, "--license", name, license=license_text)
    for name, batch in request.batches.items():
        settings = _change_artifact(settings, "--batch", name, batch=batch)
    if request.owner is not None:
        settings = replace(settings, owner=request.owner)
    if request.description is not None:
        settings = replace(settings, description=request.description)
    if _is_described(request):
        # Before anything is measured or stored.
        codec.encode_document("model", settings.to_document())
    return settings


def inherit_labels(settings: ModelSettings, request: RegisterRequest) -> Mapping[str, str]:
    """The labels of a new version: those of the model, and on top those given with it."""
    return {**settings.labels, **request.labels}


def _is_described(request: RegisterRequest) -> bool:
    described = (request.licenses, request.batches, request.owner, request.description)
    return any(value not in (None, {}) for value in described)


def _change_artifact(
    settings: ModelSettings, option: str, name: str, **changes: Any
) -> ModelSettings:
    artifacts = settings.named_artifacts
    if name not in artifacts:
        known_names = ", ".join(["weights", *settings.data])
        raise UsageError(
            f"{option} names `{name}`, which is no artifact of {settings.model};"
            f" it has {known_names}"
        )
    artifacts[name] = replace(artifacts[name], **changes)
    return replace(settings, weights=artifacts.pop("weights", None), data=artifacts)
