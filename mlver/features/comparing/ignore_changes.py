"""What `.mlverignore` does to a comparison: it changes what a directory holds, but no byte."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from mlver.errors import MlverError
from mlver.features.comparing.artifact_diff import ArtifactDiff
from mlver.features.comparing.snapshot import PinnedArtifact
from mlver.project.artifacts import measuring
from mlver.project.artifacts.ignoring import IGNORE_FILE, read_ignore_file
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
        if working[name].digest != artifact.digest and not _holds_artifact(project, artifact):
            return False
    return True


def _holds_artifact(project: Project, artifact: Artifact) -> bool:
    if artifact.files > _MOST_FILES:
        return False
    try:
        ignored = measuring.find_left_out(project, artifact.path)
        if ignored is None or not ignored.leaves_out_one_of(
            measuring.list_names(project, artifact)
        ):
            return False
        measured = measuring.measure_at(
            project,
            artifact.path,
            keep_manifest=False,
            follow=not artifact.stored,
            pinned=artifact,
        )
    except MlverError:
        return False
    return measured is not None and measured.digest == artifact.digest
