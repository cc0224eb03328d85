"""What the work tree holds at the place of an artifact, for `mlver verify`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

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
    others = list(_list_other_rules(project, records, name, path))
    if not others:
        return measured
    # Read once, with what any of them pins, however many they are.
    present = measuring.measure_at(project, path, fresh=True, follow=follow, pinned=others)
    if present is None:
        return measured
    entries = dict(measuring.measured_files(present, path))
    for artifact in others:
        if _holds_artifact(project, artifact, entries):
            return _select_artifact(project, artifact, present)
    return measured


def _holds_artifact(project: Project, artifact: Artifact, present: Mapping[bytes, str]) -> bool:
    """Whether these files are an artifact's, and for the rest such as are left out."""
    entries = dict(measuring.pinned_files(project, artifact))
    if not entries.items() <= present.items():
        return False
    ignored = measuring.find_left_out(project, artifact.path)
    for name in present.keys() - entries.keys():
        if ignored is None or not ignored.leaves_out_one_of([name]):
            return False
    return True


def _select_artifact(
    project: Project, artifact: Artifact, present: MeasuredArtifact
) -> MeasuredArtifact:
    """What was measured, but for the files that are not the artifact's."""
    executable = present.executable
    if executable is not None:
        names = frozenset(measuring.list_names(project, artifact))
        executable = tuple(name for name in executable if name in names)
    return replace(
        present,
        digest=artifact.digest,
        size=artifact.size,
        files=artifact.files,
        manifest=None,
        executable=executable,
    )


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
