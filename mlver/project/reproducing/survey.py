"""What of a version's recipe is there, and what is missing, before anything is run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, printable_name, shell_command
from mlver.project.artifacts.pinned import stored_files
from mlver.project.project import Project
from mlver.project.remote.arrival import find_absent
from mlver.project.reproducing.machine import survey_machine
from mlver.project.reproducing.recipes import EnvironmentRecipe, choose_recipe, survey_lock
from mlver.project.reproducing.request import RecipePart
from mlver.project.reproducing.source_run import SourceRun, read_source_run
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet


@dataclass(frozen=True, slots=True)
class Survey:
    """A version's recipe: the words of its command, how its environment is made, and the parts.

    `source` is the run that it came of.
    """

    record: VersionRecord
    digest: Digest
    words: tuple[str, ...]
    recipe: EnvironmentRecipe | None
    parts: tuple[RecipePart, ...]
    source: SourceRun

    @property
    def is_complete(self) -> bool:
        return all(part.state != "missing" for part in self.parts)


def survey_version(
    project: Project, record: VersionRecord, digest: Digest, environment: str | None
) -> Survey:
    """Look what is there; nothing is fetched, built or run.

    `environment` is a folder that is to be used in place of an environment that is made.
    """
    words, command = _survey_command(project, record)
    recipe: EnvironmentRecipe | None = None
    source = read_source_run(project, record)
    code = _survey_code(project, record, source)
    made: list[RecipePart] = []
    if code[0].state != "missing":
        recipe = choose_recipe(project, record, environment)
        made = [survey_lock(project, record), recipe.describe()]
    parts = (
        *code,
        *_survey_artifacts(project, record),
        *made,
        command,
        _survey_seed(record),
        *survey_machine(record, source),
    )
    return Survey(record, digest, words, recipe, parts, source)


def _survey_code(project: Project, record: VersionRecord, source: SourceRun) -> list[RecipePart]:
    commit = record.code.commit
    if commit is None:
        return [RecipePart.missing("code", "it was registered before the first commit")]
    if not project.repository.has_commit(commit):
        told = f"commit {commit[:10]} is not here: git fetch origin 'refs/mlver/*:refs/mlver/*'"
        return [RecipePart.missing("code", told)]
    parts = [RecipePart.present("code", f"commit {commit[:10]}")]
    if record.code.dirty:
        parts.append(_survey_changes(record, source))
    return parts


def _survey_changes(record: VersionRecord, source: SourceRun) -> RecipePart:
    """Say where the changes are that no commit holds: only its run may have kept them."""
    name = "uncommitted changes"
    if source.run is None:
        told = f"the code had changes that no commit holds, and {source.fault}"
        return RecipePart.missing(name, told)
    if source.diff is None:
        told = source.fault or f"its run {source.run.run} did not keep them"
        return RecipePart.missing(name, told)
    words = ("mlver", "runs", record.model, "--show", source.run.run, "--diff")
    told = f"{len(source.diff):,} bytes, which its run kept: {shell_command(*words)}"
    return RecipePart.present(name, told)


def _survey_artifacts(project: Project, record: VersionRecord) -> Iterator[RecipePart]:
    if not record.data:
        yield RecipePart.weaker("data", "the record names none: the command has to bring its own")
    for name, artifact in record.data.items():
        yield _survey_artifact(project, f"data {name}", artifact)
    if record.update != "full" and record.parent is not None:
        try:
            parent, _ = project.registry.read_version(record.model, record.parent)
            yield _survey_artifact(project, f"weights of {record.parent}", parent.weights)
        except MlverError as error:
            yield RecipePart.missing(f"weights of {record.parent}", error.message)
    weights = _survey_artifact(project, "weights to compare with", record.weights)
    if weights.state == "missing":
        weights = RecipePart.weaker(weights.name, f"{weights.told}; only digests can be compared")
    yield weights


def _survey_artifact(project: Project, name: str, artifact: Artifact) -> RecipePart:
    path = printable_name(artifact.path)
    if artifact.is_remote:
        return RecipePart.missing(name, f"{path} lies at an address, and never comes here")
    if not artifact.stored:
        return RecipePart.present(name, f"{path}, kept by git, git-lfs or DVC")
    try:
        needed = [Digest(hexadecimal) for _, hexadecimal in stored_files(project, artifact)]
    except MlverError as error:
        return RecipePart.missing(name, error.message)
    absent = find_absent(project, DigestSet.from_raw(bytes.fromhex(one.hex) for one in needed))
    if not absent:
        files = f"{len(needed):,} file{'' if len(needed) == 1 else 's'}"
        return RecipePart.present(name, f"{path}, {files} here")
    count = f"{len(absent):,} of {len(needed):,} files of {path} are not here"
    if project.registry.read_config().remotes and not project.offline:
        return RecipePart.present(name, f"{count}; a remote is asked for them")
    return RecipePart.missing(name, count)


def _survey_command(project: Project, record: VersionRecord) -> tuple[tuple[str, ...], RecipePart]:
    text = None if record.environment is None else record.environment.command
    if text is None:
        told = "none is recorded; mlver run and register --command record it with the next version"
        twin = _find_twin_with_command(project, record)
        if twin is not None:
            told = f"none is recorded; {twin} has the same weights, and a command: reproduce that"
        return (), RecipePart.missing("command", told)
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        return (), RecipePart.missing("command", f"{printable_name(text)} cannot be read: {error}")
    if not words:
        return (), RecipePart.missing("command", "the recorded command is empty")
    return words, RecipePart.present("command", shlex.join(words))


def _find_twin_with_command(project: Project, record: VersionRecord) -> str | None:
    """Find a version that has the same weights, and says what trained it."""
    registry = project.registry
    for outcome in registry.read_versions(record.model, registry.list_versions(record.model)):
        if isinstance(outcome, MlverError):
            continue
        other, _ = outcome
        has_command = other.environment is not None and other.environment.command is not None
        if has_command and other.weights.digest == record.weights.digest:
            return other.version
    return None


def _survey_seed(record: VersionRecord) -> RecipePart:
    environment = record.environment
    if environment is None or environment.seed is None:
        told = "none is recorded: without one, a training may end elsewhere each time"
        return RecipePart.weaker("seed", told)
    return RecipePart.present("seed", str(environment.seed))
