"""The versions of models with their records and stages, for programs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from mlver.digest import Digest
from mlver.errors import MlverError
from mlver.extras import import_extra
from mlver.project.project import Project
from mlver.project.registry.attached import find_retirement, list_retired
from mlver.project.registry.registry import RecordRegistry
from mlver.records.values import Values, flatten_values
from mlver.records.version import VersionRecord

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True, repr=False)
class RegisteredVersion:
    """A version: its record, the digest of the record's bytes, and the stages that it holds now.

    `retired` is why nobody should use it any more, None for all others.
    """

    record: VersionRecord
    digest: Digest
    stages: tuple[str, ...]
    retired: str | None = None

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @property
    def name(self) -> str:
        """Its name as commands take it, such as `digits@1.2.0`."""
        return f"{self.record.model}@{self.record.version}"

    @property
    def model(self) -> str:
        """The name of its model."""
        return self.record.model

    @property
    def version(self) -> str:
        """Its number, such as `1.2.0`."""
        return self.record.version

    @property
    def metrics(self) -> Values:
        """Its metrics, nested as the record has them."""
        return self.record.metrics

    @property
    def params(self) -> Values:
        """Its parameters, nested as the record has them."""
        return self.record.params

    def decrypt_params(self, identity: str | os.PathLike[str]) -> dict[str, Any]:
        """Its secret parameters by dotted name, in plain text.

        `identity` is a file with a private key, of age or of OpenSSH. Raise MlverError where it
        cannot be read or does not fit, or where `mlver[encrypt]` is not installed.
        """
        secret_values = import_extra("mlver.project.history.secret_values", "encrypt")
        decrypted: dict[str, Any] = secret_values.decrypt_params(self.record, Path(identity))
        return decrypted

    def to_row(self) -> dict[str, Any]:
        """One level of names and values: `metrics.accuracy`, `params.optimizer.lr`."""
        record = self.record
        row: dict[str, Any] = {
            "model": record.model,
            "version": record.version,
            "stages": " ".join(self.stages),
            "retired": self.retired,
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
        names = [version.name for version in self._versions]
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
        retired = _read_retired(registry, name)
        for outcome in registry.read_versions(name, registry.list_versions(name)):
            if isinstance(outcome, MlverError):
                raise outcome
            record, digest = outcome
            stages = [stage for stage, holder in holders.items() if holder == record.version]
            reason = retired.get(record.version)
            versions.append(RegisteredVersion(record, digest, tuple(stages), reason))
    return RegisteredVersions(versions)


def _read_retired(registry: RecordRegistry, model: str) -> dict[str, str]:
    """Read why the retired versions of a model are retired."""
    reasons: dict[str, str] = {}
    for version in list_retired(registry, model):
        retirement = find_retirement(registry, model, version)
        if retirement is not None:
            reasons[version] = retirement.reason
    return reasons
