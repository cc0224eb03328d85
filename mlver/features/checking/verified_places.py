"""What the work tree holds at the place of an artifact, for `mlver verify`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from mlver.errors import MlverError
from mlver.features.checking.verified_modes import list_pinning
from mlver.project.artifacts import measuring
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord


def measure_place(
    project: Project, records: Sequence[VersionRecord], name: str, path: str, *, follow: bool
) -> MeasuredArtifact | None:
    """Read the working files of an artifact; raise MlverError where that cannot be done.

    One of these versions may pin files that `.mlverignore` leaves out by now. Where the work tree
    holds just that version, they count.
    """
    measured = measuring.measure_at(project, path, fresh=True, keep_manifest=False, follow=follow)
    if any(list_pinning(project, records, name, measured.digest) if measured else ()):
        return measured
    for artifact in _list_other_rules(project, records, name, path):
        others = measuring.measure_at(
            project, path, fresh=True, keep_manifest=False, follow=follow, pinned=artifact
        )
        if others is not None and others.digest == artifact.digest:
            return others
    return measured


def _list_other_rules(
    project: Project, records: Sequence[VersionRecord], name: str, path: str
) -> Iterator[Artifact]:
    """Yield what versions pin at a path, those checked first, where some of it is left out now."""
    ignored = measuring.find_left_out(project, path)
    if ignored is None:
        return
    seen: set[str] = set()
    for record in _list_records(project, records):
        artifact = record.named_artifacts().get(name)
        if artifact is None or artifact.path != path or artifact.digest.hex in seen:
            continue
        seen.add(artifact.digest.hex)
        if ignored.leaves_out_one_of(measuring.list_names(project, artifact)):
            yield artifact


def _list_records(project: Project, checked: Sequence[VersionRecord]) -> Iterator[VersionRecord]:
    yield from reversed(checked)
    model = checked[0].model
    for number in reversed(project.registry.list_versions(model)):
        with suppress(MlverError):
            yield project.registry.read_version(model, number)[0]
