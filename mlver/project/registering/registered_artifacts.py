"""What a registration says of each artifact that a version pins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.values import is_same_value
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True)
class RegisteredArtifact:
    """`digest` names the content; `unchanged`: the version before pins the same.

    `claimed` counts the objects of remote data whose SHA-256 only their server claims.
    `reused` counts the objects of remote data that were not read now, as nothing says that they
    changed since. `encrypted`: the store keeps an encrypted copy only.
    """

    name: str
    path: str
    digest: str
    size: int
    files: int
    stored: bool
    unchanged: bool
    reused: int
    claimed: int
    encrypted: bool


def find_lacking_remote(project: Project, artifacts: Sequence[RegisteredArtifact]) -> str | None:
    """The default remote, if there are objects to send; nothing is asked of it."""
    if not any(artifact.stored and not artifact.unchanged for artifact in artifacts):
        return None
    return next(iter(project.registry.read_config().remotes), None)


def summarise_artifacts(
    record: VersionRecord,
    measured_artifacts: Mapping[str, MeasuredArtifact],
    before: VersionRecord | None,
) -> tuple[RegisteredArtifact, ...]:
    artifacts_before = {} if before is None else before.named_artifacts()
    summaries: list[RegisteredArtifact] = []
    for name, artifact in record.named_artifacts().items():
        previous_artifact = artifacts_before.get(name)
        measured = measured_artifacts.get(name)
        summary = RegisteredArtifact(
            name=name,
            path=artifact.path,
            digest=str(artifact.digest),
            size=artifact.size,
            files=artifact.files,
            stored=artifact.stored,
            unchanged=_is_unchanged(artifact, previous_artifact),
            reused=0 if measured is None else measured.reused,
            claimed=0 if measured is None else measured.unproven,
            encrypted=artifact.encrypted is not None,
        )
        summaries.append(summary)
    return tuple(summaries)


def is_repeated(
    record: VersionRecord,
    artifacts: Sequence[RegisteredArtifact],
    before: VersionRecord | None,
) -> bool:
    """Say whether the version before has the same artifacts, params and metrics."""
    if before is None or before.data.keys() != record.data.keys():
        return False
    # The same secret has another text each time it is encrypted.
    if record.secrets or not all(artifact.unchanged for artifact in artifacts):
        return False
    return is_same_value(before.params, record.params) and is_same_value(
        before.metrics, record.metrics
    )


def _is_unchanged(artifact: Artifact, before: Artifact | None) -> bool:
    if before is None or before.digest != artifact.digest:
        return False
    return (artifact.executable or ()) == (before.executable or ())


def find_unignored(project: Project, record: VersionRecord) -> tuple[str, ...]:
    """Find the artifacts that a careless `git add .` would put into git; a folder ends with `/`."""
    stored_paths: list[str] = []
    for artifact in record.named_artifacts().values():
        # What mlver does not store, git may well be meant to keep.
        if artifact.stored:
            stored_paths.append(artifact.path)
    safe_paths = project.repository.ignored_or_tracked(stored_paths)
    unignored: list[str] = []
    for path in stored_paths:
        if path in safe_paths:
            continue
        suffix = ""
        # git ignores a folder, and not a file of that name, by a pattern that ends with `/`
        location = project.top_folder / path
        if location.is_dir() and not location.is_symlink():
            suffix = "/"
        unignored.append(path + suffix)
    return tuple(unignored)
