"""What `mlver verify` says of the executable bits of working files that versions pin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command
from mlver.findings import Finding
from mlver.project.artifacts import modes
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord


def list_pinning(
    project: Project, checked: Sequence[VersionRecord], name: str, digest: Digest
) -> Iterator[Artifact]:
    """Yield the artifacts of that name that pin this content: of versions checked, then others."""
    for record in checked:
        yield from _select_pinned(record, name, digest)
    model = checked[0].model
    for number in project.registry.list_versions(model):
        try:
            record, _ = project.registry.read_version(model, number)
        except MlverError:
            continue
        yield from _select_pinned(record, name, digest)


def _select_pinned(record: VersionRecord, name: str, digest: Digest) -> Iterator[Artifact]:
    pinned = record.named_artifacts().get(name)
    if pinned is not None and pinned.digest == digest:
        yield pinned


def find_mode_faults(
    project: Project, pinning: Iterable[Artifact], measured: MeasuredArtifact
) -> list[Finding] | None:
    """Say which files may be executed and should not be, or the other way round.

    None where none of the artifacts pins these bytes.
    """
    found: list[Finding] | None = None
    for artifact in pinning:
        pinned = modes.pinned_executable(artifact)
        different = modes.find_other_modes(project, pinned, measured.executable)
        if not different:
            return []
        if found is None:
            found = [_describe_mode(artifact, name, pinned) for name in sorted(different)]
    return found


def _describe_mode(artifact: Artifact, name: bytes, pinned: frozenset[bytes] | None) -> Finding:
    path = join_name(artifact.path, name)
    message, bit = "is executable, and should not be", "-x"
    if name in (pinned or ()):
        message, bit = "is not executable, and should be", "+x"
    return Finding("working", path, message, (shell_command("chmod", bit, "--", path),))
