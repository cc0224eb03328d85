"""Artifacts that are stored encrypted, on their way into a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlver.errors import MlverError, shell_command
from mlver.project.artifacts.encrypted_copies import store_encrypted
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.artifact import Artifact, EncryptedCopy
from mlver.records.sections.encrypt import EncryptSettings
from mlver.records.version import VersionRecord


def encrypt_artifacts(
    project: Project,
    record: VersionRecord,
    measured: Mapping[str, MeasuredArtifact],
    before: VersionRecord | None,
    settings: EncryptSettings,
) -> VersionRecord:
    """Store the secret artifacts of a record encrypted, of those that were measured.

    What the version before has encrypted for the same people is not encrypted again. Raise
    MlverError where nobody is named who could read them.
    """
    known = {} if before is None else before.named_artifacts()
    pinned = record.named_artifacts()
    for name, artifact in pinned.items():
        is_secret = settings.covers_artifact(record.model, name) and not artifact.is_remote
        if not (artifact.stored and is_secret and name in measured):
            continue
        if not settings.recipients:
            raise MlverError(
                f"nobody is named who could read {name} of {record.model} (encrypt.recipients)",
                hint=shell_command("mlver", "config", "set", "encrypt.recipients", "PUBLIC_KEY"),
            )
        copy = _find_known(artifact, known.get(name), settings)
        if copy is None:
            copy = store_encrypted(project, artifact.path, measured[name], settings.recipients)
        pinned[name] = replace(artifact, encrypted=copy)
    return replace(record, weights=pinned.pop("weights"), data=pinned)


def _find_known(
    artifact: Artifact, before: Artifact | None, settings: EncryptSettings
) -> EncryptedCopy | None:
    if before is None or before.encrypted is None or before.digest != artifact.digest:
        return None
    is_same = set(before.encrypted.recipients) == set(settings.recipients)
    return before.encrypted if is_same else None
