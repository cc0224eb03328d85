"""Parts that the manifests of a cluster have in common."""

from __future__ import annotations

from typing import Any

from mlver.policy.serving.served import ServedTarget

# By these labels everything of a target is found, such as what `kubectl apply --prune` may remove.
MANAGED_BY = "app.kubernetes.io/managed-by"
TARGET = "mlver/target"
NAME = "app.kubernetes.io/name"
VERSION = "app.kubernetes.io/version"


def describe_managed(
    name: str, target: ServedTarget, namespace: str | None, **labels: str
) -> dict[str, Any]:
    """The metadata of a resource that mlver writes for a target."""
    metadata: dict[str, Any] = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    metadata["labels"] = {MANAGED_BY: "mlver", TARGET: target.name, **labels}
    return metadata


def limit_resources(cpu: str | None, memory: str | None) -> dict[str, Any]:
    """What a container asks for; memory is also its limit, as more of it cannot be taken back."""
    requests = {"cpu": cpu, "memory": memory}
    asked = {name: quantity for name, quantity in requests.items() if quantity is not None}
    if not asked:
        return {}
    if memory is None:
        return {"requests": asked}
    return {"requests": asked, "limits": {"memory": memory}}
