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
from mlver.project.reproducing.recipes import EnvironmentRecipe, choose_recipe
from mlver.project.reproducing.request import RecipePart
from mlver.records.artifact import Artifact
from mlver.records.version import VersionRecord
from mlver.storage.digests import DigestSet


@dataclass(frozen=True, slots=True)
class Survey:
    """A version's recipe: the words of its command, how its environment is made, and the parts."""

    record: VersionRecord
    digest: Digest
    words: tuple[str, ...]
    recipe: EnvironmentRecipe | None
    parts: tuple[RecipePart, ...]

    @property
    def is_complete(self) -> bool:
        return all(part.state != "missing" for part in self.parts)


def survey_version(
    project: Project, record: VersionRecord, digest: Digest, environment: str | None
) -> Survey:
    """Look what is there; nothing is fetched, built or run.

    `environment` is a folder that is to be used in place of an environment that is made.
    """
    words, command = _survey_command(record)
    recipe: EnvironmentRecipe | None = None
    code = _survey_code(project, record)
    if all(part.state != "missing" for part in code):
        recipe = choose_recipe(project, record, environment)
    made = [] if recipe is None else [recipe.describe()]
    parts = (
        *code,
        *_survey_artifacts(project, record),
        *made,
        command,
        *_survey_numbers(record),
    )
    return Survey(record, digest, words, recipe, parts)


def _present(name: str, told: str) -> RecipePart:
    return RecipePart(name=name, state="present", told=told)


def _missing(name: str, told: str) -> RecipePart:
    return RecipePart(name=name, state="missing", told=told)


def _weaker(name: str, told: str) -> RecipePart:
    return RecipePart(name=name, state="weaker", told=told)


def _survey_code(project: Project, record: VersionRecord) -> list[RecipePart]:
    commit = record.code.commit
    if commit is None:
        return [_missing("code", "it was registered before the first commit")]
    if not project.repository.has_commit(commit):
        told = f"commit {commit[:10]} is not here: git fetch origin 'refs/mlver/*:refs/mlver/*'"
        return [_missing("code", told)]
    parts = [_present("code", f"commit {commit[:10]}")]
    if record.code.dirty:
        told = "the code had changes that no commit holds"
        if record.run is not None:
            model, _, run = record.run.partition("/")
            shown = shell_command("mlver", "runs", model, "--show", run, "--diff")
            told += f"; where its run kept them: {shown}"
        parts.append(_missing("uncommitted changes", told))
    return parts


def _survey_artifacts(project: Project, record: VersionRecord) -> Iterator[RecipePart]:
    if not record.data:
        yield _weaker("data", "the record names none: the command has to bring its own")
    for name, artifact in record.data.items():
        yield _survey_artifact(project, f"data {name}", artifact)
    if record.update != "full" and record.parent is not None:
        try:
            parent, _ = project.registry.read_version(record.model, record.parent)
            yield _survey_artifact(project, f"weights of {record.parent}", parent.weights)
        except MlverError as error:
            yield _missing(f"weights of {record.parent}", error.message)
    weights = _survey_artifact(project, "weights to compare with", record.weights)
    if weights.state == "missing":
        weights = _weaker(weights.name, f"{weights.told}; only digests can be compared")
    yield weights


def _survey_artifact(project: Project, name: str, artifact: Artifact) -> RecipePart:
    path = printable_name(artifact.path)
    if artifact.is_remote:
        return _missing(name, f"{path} lies at an address, and never comes here")
    if not artifact.stored:
        return _present(name, f"{path}, kept by git, git-lfs or DVC")
    try:
        needed = [Digest(hexadecimal) for _, hexadecimal in stored_files(project, artifact)]
    except MlverError as error:
        return _missing(name, error.message)
    absent = find_absent(project, DigestSet.from_raw(bytes.fromhex(one.hex) for one in needed))
    if not absent:
        return _present(name, f"{path}, {len(needed):,} files here")
    count = f"{len(absent):,} of {len(needed):,} files of {path} are not here"
    if project.registry.read_config().remotes and not project.offline:
        return _present(name, f"{count}; a remote is asked for them")
    return _missing(name, count)


def _survey_command(record: VersionRecord) -> tuple[tuple[str, ...], RecipePart]:
    text = None if record.environment is None else record.environment.command
    if text is None:
        told = "no command is recorded: register --command says what trained a version"
        return (), _missing("command", told)
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        return (), _missing("command", f"{printable_name(text)} cannot be read: {error}")
    if not words:
        return (), _missing("command", "the recorded command is empty")
    return words, _present("command", shlex.join(words))


def _survey_numbers(record: VersionRecord) -> Iterator[RecipePart]:
    environment = record.environment
    if environment is None or environment.seed is None:
        yield _weaker(
            "seed", "none is recorded: without one, a training may end elsewhere each time"
        )
    else:
        yield _present("seed", str(environment.seed))
    yield _weaker("processor", "not recorded; its BLAS kernel decides the last digits")
    if environment is not None and environment.accelerator is not None:
        yield _weaker("accelerator", f"{environment.accelerator}; another one gives other digits")
