"""Which files that come into git belong to an artifact, as the records in git say."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping

from mlver.errors import MlverError
from mlver.git import trees
from mlver.git.repository import GitRepository
from mlver.hashing.walk import IgnoreTest
from mlver.project.artifacts import measuring
from mlver.project.artifacts.ignoring import (
    IGNORE_FILE,
    MOST_BYTES,
    is_left_out,
    parse_ignore_file,
)
from mlver.project.project import Project
from mlver.records.artifact import Artifact


def read_ignore_rules(repository: GitRepository, commit: str | None) -> IgnoreTest | None:
    """Read the `.mlverignore` of a commit, or of the index; None where it leaves out nothing.

    One that cannot be used leaves out nothing, either.
    """
    try:
        if commit is None:
            entries = trees.staged_files(repository, IGNORE_FILE)
        else:
            entries = trees.committed_files(repository, commit, IGNORE_FILE)
        entry = entries.get(IGNORE_FILE)
        if entry is None or not entry.is_file:
            return None
        found = {IGNORE_FILE: entry}
        contents = trees.read_beginnings(repository, found, {IGNORE_FILE: MOST_BYTES + 1})
        return parse_ignore_file(contents.get(IGNORE_FILE, b""))
    except MlverError:
        return None


def find_artifact_files(
    project: Project, paths: Collection[str], matches: IgnoreTest | None
) -> dict[str, str]:
    """Find the paths that are, or lie in, an artifact that mlver stores; each with its name.

    What `matches` leaves out is no part of an artifact, unless a version pins it.
    """
    artifacts = _list_artifact_paths(project)
    found: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for path in paths:
        for artifact_path, name in artifacts.items():
            if not f"{path}/".startswith(f"{artifact_path}/"):
                continue
            file_name = path.removeprefix(artifact_path).removeprefix("/")
            if is_left_out(matches, artifact_path, file_name):
                left_out[path] = name
            else:
                found[path] = name
    if left_out:
        for path in _find_pinned(project, left_out):
            found.setdefault(path, left_out[path])
    return found


def _list_artifact_paths(project: Project) -> Mapping[str, str]:
    """The paths of the artifacts whose bytes mlver keeps, each with a name for it."""
    names: dict[str, str] = {}
    for model in project.registry.list_models():
        try:
            settings = project.registry.read_settings(model)
        except MlverError:
            # `check` reports it to the commit that touches it
            continue
        if settings is None:
            continue
        artifacts = dict(settings.data)
        if settings.weights is not None:
            artifacts["weights"] = settings.weights
        for name, artifact in artifacts.items():
            if artifact.stored:
                names[artifact.path] = f"{name} of {model}"
    return names


def _find_pinned(project: Project, paths: Iterable[str]) -> Iterator[str]:
    """Yield those of these paths that some version pins."""
    wanted = set(paths)
    for artifact in _list_pinned_artifacts(project):
        names: dict[bytes, str] = {}
        for path in wanted:
            if path.startswith(f"{artifact.path}/"):
                names[os.fsencode(path.removeprefix(f"{artifact.path}/"))] = path
        if names:
            for name in measuring.list_names(project, artifact):
                if name in names:
                    yield names[name]


def _list_pinned_artifacts(project: Project) -> Iterator[Artifact]:
    """Yield what versions pin, each content at a path once."""
    seen: set[tuple[str, str]] = set()
    registry = project.registry
    for model in registry.list_models():
        for found in registry.read_versions(model, registry.list_versions(model)):
            # `check` reports a record that cannot be read
            if isinstance(found, MlverError):
                continue
            for artifact in found[0].named_artifacts().values():
                identity = (artifact.path, artifact.digest.hex)
                if artifact.stored and identity not in seen:
                    seen.add(identity)
                    yield artifact
