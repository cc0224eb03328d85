"""Where the deployments of a target lie: `.mlver/deployments/<target>/<NNNN>.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.records import file_names
from mlver.records.layout import DEPLOYMENTS


@dataclass(frozen=True, slots=True)
class DeploymentPath:
    """Where one deployment of a target lies; it is in the folder of no model."""

    target: str
    sequence: int


def parse_deployment(path: str) -> DeploymentPath | None:
    """Read where a deployment lies; None for a path that mlver gives to none."""
    root, _, rest = path.partition(f"{DEPLOYMENTS}/")
    target, _, name = rest.partition("/")
    if root or not name.endswith(".yaml") or not file_names.is_target_name(target):
        return None
    sequence = file_names.parse_sequence(name.removesuffix(".yaml"))
    return None if sequence is None else DeploymentPath(target, sequence)


def deployments_folder(target: str) -> str:
    return f"{DEPLOYMENTS}/{target}"


def deployment_path(target: str, sequence: int) -> str:
    return f"{deployments_folder(target)}/{sequence:04d}.yaml"
