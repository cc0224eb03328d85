"""Versions from a repository with mlver's records: whatever holds a stage there."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from mlver.errors import MlverError, shell_command
from mlver.project.loading.found import FoundModel
from mlver.project.predictions.identity import ServedIdentity
from mlver.project.project import Project
from mlver.project.remote.proven_weights import find_private_weights
from mlver.project.tags import trust
from mlver.records.promotion import PromotionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredStage:
    """The version that holds a stage of a model."""

    project: Project
    model: str
    stage: str

    def read_state(self) -> object:
        """Read which record holds the stage."""
        holder = self._find_holder()
        return holder.sequence, holder.version, str(holder.record)

    def find_model(self) -> FoundModel:
        """Find the weights of the holder: a copy that no checkout replaces meanwhile."""
        # A connection to the cache belongs to the thread that opened it.
        project = Project.open_existing(self.project.start)
        try:
            return self._find_in(project)
        finally:
            project.state.close()

    def _find_in(self, project: Project) -> FoundModel:
        holder = self._find_holder()
        record, digest = trust.read_vouched_record(project, f"{self.model}@{holder.version}")
        if digest != holder.record:
            raise MlverError(
                f"the record of {self.model} {holder.version} is not the one that was promoted",
                hint=shell_command("mlver", "verify", "--all"),
            )
        notice = trust.describe_retirement(project, record)
        if notice is not None:
            warnings.warn(notice, UserWarning, stacklevel=2)
        identity = ServedIdentity(
            model=self.model,
            version=record.version,
            digest=str(digest),
            stage=self.stage,
            sequence=holder.sequence,
            variant="stable",
        )
        return FoundModel(identity=identity, weights=find_private_weights(project, record))

    def _find_holder(self) -> PromotionRecord:
        holder = self.project.registry.find_holder(self.model, self.stage)
        if holder is None:
            raise MlverError(
                f"no version of {self.model} holds {self.stage}",
                hint=shell_command("mlver", "log", self.model, "--stage", self.stage),
            )
        return holder
