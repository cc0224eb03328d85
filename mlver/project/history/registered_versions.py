"""The versions of models with their records and stages, for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.extras import import_extra
from mlver.project.project import Project
from mlver.records.values import flatten_values
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version: its record, the digest of the record's bytes, and the stages that it holds now."""

    record: VersionRecord
    digest: Digest
    stages: tuple[str, ...]

    def to_row(self) -> dict[str, Any]:
        """One level of names and values: `metrics.accuracy`, `params.optimizer.lr`."""
        record = self.record
        row: dict[str, Any] = {
            "model": record.model,
            "version": record.version,
            "stages": " ".join(self.stages),
            "created": record.created,
            "author": record.author,
            "message": record.message,
        }
        for group in ("metrics", "params", "labels"):
            for name, value in flatten_values(getattr(record, group)).items():
                row[f"{group}.{name}"] = value
        row["weights.digest"] = str(record.weights.digest)
        row["weights.size"] = record.weights.size
        return row


class RegisteredVersions(Sequence[RegisteredVersion]):
    """Versions in order, lowest first, models by their names."""

    def __init__(self, versions: Sequence[RegisteredVersion]) -> None:
        self._versions = tuple(versions)

    @overload
    def __getitem__(self, index: int) -> RegisteredVersion: ...

    @overload
    def __getitem__(self, index: slice) -> RegisteredVersions: ...

    def __getitem__(self, index: int | slice) -> RegisteredVersion | RegisteredVersions:
        if isinstance(index, slice):
            return RegisteredVersions(self._versions[index])
        return self._versions[index]

    def __len__(self) -> int:
        return len(self._versions)

    def __repr__(self) -> str:
        names = [f"{version.record.model}@{version.record.version}" for version in self._versions]
        return f"<{len(names)} versions: {', '.join(names[-5:])}>"

    def to_frame(self) -> pandas.DataFrame:
        """A row a version, with a column for each metric, parameter and label of any of them.

        `created` is a time in UTC. Raise MlverError where pandas is not installed.
        """
        library = import_extra("pandas", "pandas")
        frame = library.DataFrame([version.to_row() for version in self._versions])
        if len(frame):
            frame["created"] = library.to_datetime(frame["created"], utc=True)
        return frame


def read_versions(project: Project, model: str | None) -> RegisteredVersions:
    """The versions of a model, or of all; raise MlverError for a record that cannot be read."""
    registry = project.registry
    models = registry.list_models() if model is None else [project.resolve_model(model)]
    versions: list[RegisteredVersion] = []
    for name in models:
        holders = registry.find_holders(name)
        for outcome in registry.read_versions(name, registry.list_versions(name)):
            if isinstance(outcome, MlverError):
                raise outcome
            record, digest = outcome
            stages = [stage for stage, holder in holders.items() if holder == record.version]
            versions.append(RegisteredVersion(record, digest, tuple(stages)))
    return RegisteredVersions(versions)
