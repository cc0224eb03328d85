"""What candidates have of the traffic of stages now, for what only looks.

Hardly any model has a rollout, so what reads one is imported only then.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlver.errors import MlverError
from mlver.project.registry.attached import list_shared_stages
from mlver.project.registry.registry import RecordRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenShare:
    """What share of a stage's traffic a candidate has now, in percent, and since when."""

    stage: str
    version: str
    strategy: str
    share: float
    header: str | None
    since: str


def list_candidates(registry: RecordRegistry, model: str) -> list[str]:
    """List the versions that have a share of a stage's traffic; none where that cannot be read."""
    try:
        return [share.version for share in list_open_shares(registry, model)]
    except MlverError:
        return []  # the check of each record names what is wrong


def list_open_shares(registry: RecordRegistry, model: str) -> list[OpenShare]:
    """List the open rollouts of a model, by stage."""
    stages = list_shared_stages(registry, model)
    if not stages:
        return []
    from mlver.project.rollouts.open_rollouts import find_open_rollout

    shares: list[OpenShare] = []
    for stage in stages:
        record = find_open_rollout(registry, model, stage)
        if record is not None:
            share = OpenShare(
                stage=stage,
                version=record.version,
                strategy=record.strategy,
                share=record.share,
                header=record.header,
                since=record.created,
            )
            shares.append(share)
    return shares
