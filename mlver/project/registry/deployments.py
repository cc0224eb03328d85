"""The deployments of targets, by the name of the target."""

from __future__ import annotations

from mlver.project.registry.attached import ROLLOUTS
from mlver.project.registry.registry import RecordRegistry
from mlver.records import file_names, layout
from mlver.records.deployment import DeploymentRecord
from mlver.records.deployment_paths import deployment_path, deployments_folder
from mlver.records.promotion import PromotionRecord
from mlver.records.rollout import RolloutRecord


def list_deployed(registry: RecordRegistry) -> list[str]:
    """List the targets that were ever deployed to."""
    return list(filter(file_names.is_target_name, registry.list_names(layout.DEPLOYMENTS)))


def read_deployment(registry: RecordRegistry, target: str, sequence: int) -> DeploymentRecord:
    """Raise MlverError where there is no such record, or none that is valid."""
    path = deployment_path(target, sequence)
    return registry.read_placed("deployment", DeploymentRecord.from_document, path)


def read_deployments(registry: RecordRegistry, target: str) -> list[DeploymentRecord]:
    """Read the deployments of a target, oldest first."""
    sequences = registry.list_sequences(deployments_folder(target))
    return [read_deployment(registry, target, sequence) for sequence in sequences]


def read_origin(
    registry: RecordRegistry, record: DeploymentRecord, role: str
) -> PromotionRecord | RolloutRecord | None:
    """Read what brought a version to its role; None where the deployment does not say."""
    served = record.roles[role]
    if served.stage is None or served.sequence is None:
        return None
    if record.is_candidate(role):
        return ROLLOUTS.read(registry, record.model, served.stage, served.sequence)
    return registry.read_promotion(record.model, served.stage, served.sequence)[0]
