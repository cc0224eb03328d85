"""What `.mlverignore` does to a comparison: it changes what a directory holds, but no byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

from mlver.errors import MlverError
from mlver.features.comparing.artifact_diff import ArtifactDiff
from mlver.features.comparing.snapshot import ModelSnapshot, PinnedArtifact
from mlver.project.artifacts import measuring
from mlver.project.artifacts.file_list import join_name
from mlver.project.artifacts.ignoring import IGNORE_FILE, read_ignore_file
from mlver.project.artifacts.measuring import MeasuredArtifact
from mlver.project.project import Project
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord

# To look through the names of more takes longer than the answer is worth.
_MOST_FILES = 10_000
IgnoreChange = Literal["added", "changed", "removed"]


def find_ignore_change(
    project: Project, record: VersionRecord, artifacts: Iterable[ArtifactDiff]
) -> IgnoreChange | None:
    """How the patterns changed since a version's code commit; None where they did not.

    Only where an artifact differs does it matter, and only then is git asked.
    """
    states = {artifact.state for artifact in artifacts}
    if states.isdisjoint(("changed", "missing")) or record.code.commit is None:
        return None
    now = read_ignore_file(project)
    commit = record.code.commit
    (before,) = project.repository.blobs([f"{commit}:{IGNORE_FILE}"])
    if not (before or now) or _have_same_patterns(before or b"", now):
        return None
    if before is None:
        return "added" if project.repository.has_commit(commit) else None
    return "changed" if now else "removed"


def _have_same_patterns(first: bytes, second: bytes) -> bool:
    # imported here: few repositories have the file
    from mlver.document.ignore_patterns import IgnoreRefused, list_patterns

    texts: list[list[str]] = []
    for data in (first, second):
        try:
            texts.append([text for _, text in list_patterns(data)])
        except IgnoreRefused:
            return False
    return texts[0] == texts[1]


def holds_version(
    project: Project, record: VersionRecord, working: Mapping[str, PinnedArtifact]
) -> bool:
    """Whether the work tree holds a version of which some files are left out by now."""
    artifacts = record.named_artifacts()
    if artifacts.keys() != working.keys():
        return False
    for name, artifact in artifacts.items():
        is_same = working[name].digest == artifact.digest or artifact.is_remote
        if not is_same and _find_held(project, artifact) is None:
            return False
    return True


def include_pinned(
    project: Project, record: VersionRecord, working: ModelSnapshot
) -> tuple[ModelSnapshot, tuple[str, ...]]:
    """Count the files that a version pins, where the work tree holds its artifacts.

    Also list those files of them that `.mlverignore` leaves out of the next version.
    """
    artifacts = dict(working.artifacts)
    left_out: list[str] = []
    for name, artifact in record.named_artifacts().items():
        present = artifacts.get(name)
        if present is None or present.path != artifact.path or present.digest == artifact.digest:
            continue
        held = _find_held(project, artifact)
        if held is None:
            continue
        artifacts[name] = replace(
            present,
            digest=held.digest,
            size=held.size,
            files=held.files,
            entries=partial(measuring.list_entries, project, artifact),
            unreadable=None,
            remedy=None,
            executable=None if held.executable is None else frozenset(held.executable),
        )
        left_out += _list_left_out(project, artifact)
    return replace(working, artifacts=artifacts), tuple(left_out)


def _list_left_out(project: Project, artifact: Artifact) -> Iterator[str]:
    ignored = measuring.find_left_out(project, artifact.path)
    for name in measuring.list_names(project, artifact):
        if ignored is not None and ignored.leaves_out_one_of([name]):
            yield join_name(artifact.path, name)


def _find_held(project: Project, artifact: Artifact) -> MeasuredArtifact | None:
    """Measure an artifact with what is left out of it by now; None if it is not all there."""
    if artifact.is_remote or artifact.files > _MOST_FILES:
        return None
    try:
        ignored = measuring.find_left_out(project, artifact.path)
        if ignored is None or not ignored.leaves_out_one_of(
            measuring.list_names(project, artifact)
        ):
            return None
        measured = measuring.measure_at(
            project,
            artifact.path,
            keep_manifest=False,
            follow=not artifact.stored,
            pinned=artifact,
        )
    except MlverError:
        return None
    if measured is None or measured.digest != artifact.digest:
        return None
    return measured
