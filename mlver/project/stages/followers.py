"""Which targets serve a stage: what moved there is served once `mlver deploy` has run for them."""

from __future__ import annotations

from mlver.project.project import Project


def list_followers(project: Project, model: str, stage: str) -> list[str]:
    """List the targets of the settings that serve a stage of a model, in their order."""
    targets = project.registry.read_config().deploy
    return [
        name
        for name, target in targets.items()
        if target.model in (None, model) and stage in target.stages.values()
    ]
