"""For notebooks, training scripts and programs that must say which model answered: what the command
line does, by the same rules and with the same results, without loading it.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from mlver.argument_types import require_optional_texts, require_texts
from mlver.errors import MlverError, shell_command
from mlver.git import gitpython
from mlver.project.corrections.note import NoteResult, note_version
from mlver.project.corrections.retire import RetireResult, restore_version, retire_version
from mlver.project.history.registered_versions import RegisteredVersions, read_versions
from mlver.project.project import Project
from mlver.project.registering.amend import amend_version
from mlver.project.registering.options import RegisterOptions, build_request
from mlver.project.registering.register import RegisterResult, register_version
from mlver.project.remote.proven_weights import find_proven_weights
from mlver.project.reporter import SilentReporter
from mlver.project.runs.options import RunOptions, build_run_request
from mlver.project.runs.session import RunSession
from mlver.project.stages import empty as emptying
from mlver.project.stages.empty import EmptyResult
from mlver.project.stages.promote import PromoteResult, promote_version
from mlver.project.stages.rollback import roll_back_stage
from mlver.project.stages.rollback_request import RollbackResult
from mlver.project.tags import trust

if TYPE_CHECKING:
    from mlver.git.gitpython import GitRepo, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedModel:
    """A version and its weights.

    `digest` is of the weights (`sha256:…`), `record` of the version record's bytes. `path` is the
    weights' file or directory, of which every byte was hashed when this was made; `data` are the
    digests of the data sets, by name.
    """

    name: str
    version: str
    digest: str
    record: str
    path: Path
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]
    data: Mapping[str, str]
    labels: Mapping[str, str]
    created: str
    message: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.digest[:19]})"


class GatesShut(MlverError):
    """A promotion that was refused; `result` has what each gate asked for, and what it saw."""

    def __init__(self, result: PromoteResult) -> None:
        ref = f"{result.model}@{result.version}"
        shut = [gate for gate in result.gates if gate.result != "pass"]
        lines = [f"  {gate.gate}: asks for {gate.expected}, saw {gate.actual}" for gate in shut]
        super().__init__(
            "\n".join([f"{ref} may not have {result.stage}; these gates are shut:", *lines]),
            hint=shell_command(
                "mlver", "promote", ref, "--to", result.stage, "-m", "WHY", "--dry-run"
            ),
        )
        self.result = result


@dataclass(frozen=True, slots=True)
class Registry:
    """The models of one git work tree.

    Notes that the command line prints go to the logger `mlver`.
    """

    project: Project

    @classmethod
    def find(cls, place: Place) -> Registry:
        """The registry of the work tree that a path (or a `git.Repo`) is in.

        Raise MlverError where there is none.
        """
        return cls(Project.open_existing(gitpython.folder_of(place), LoggedReporter()))

    @property
    def repo(self) -> GitRepo:
        """A `git.Repo` (GitPython) of the work tree, a new one each time; close it after use."""
        return gitpython.open_repo(self.project.top_folder)

    def models(self) -> list[str]:
        """The names of the models."""
        return self.project.registry.list_models()

    def versions(self, model: str | None = None) -> RegisteredVersions:
        """The versions of a model, or of all models, lowest first.

        Raise MlverError for a model that there is not, and for a record that cannot be read.
        """
        require_optional_texts("versions", model=model)
        return read_versions(self.project, model)

    def resolve(self, ref: str) -> ResolvedModel:
        """The version `ref` names (`digits@production`, `digits@1.2.0`, `digits`) with the path of
        its proven weights.

        The path is the working one where its bytes are this version's, else a private copy made
        from the object store. Raise MlverError when the version is unknown, its record is not the
        one that was sealed or promoted, or its bytes cannot be had.
        """
        _require_text(ref, "resolve")
        record, digest = trust.read_vouched_record(self.project, ref)
        notice = trust.describe_retirement(self.project, record)
        if notice is not None:
            warnings.warn(notice, UserWarning, stacklevel=2)
        return ResolvedModel(
            name=record.model,
            version=record.version,
            digest=str(record.weights.digest),
            record=str(digest),
            path=find_proven_weights(self.project, record),
            params=record.params,
            metrics=record.metrics,
            data={name: str(artifact.digest) for name, artifact in record.data.items()},
            labels=record.labels,
            created=record.created,
            message=record.message,
        )

    def register(
        self, model: str, message: str, **options: Unpack[RegisterOptions]
    ) -> RegisterResult:
        """Register a version of a model, as `mlver register` does; `message` says what changed.

        Raise MlverError, with nothing changed, when that cannot be done.
        """
        request = build_request(model, message, options)
        if request.amend:
            return amend_version(self.project, request)
        return register_version(self.project, request)

    def run(self, model: str | None = None, **options: Unpack[RunOptions]) -> RunSession:
        """Have a training recorded, as `mlver run` does: see `mlver.run`."""
        return RunSession(self.project, build_run_request(model, options))

    def promote(
        self, ref: str, *, to: str, message: str, force: bool = False, dry_run: bool = False
    ) -> PromoteResult:
        """Move the stage `to` to the version that `ref` names, as `mlver promote` does.

        Raise GatesShut where a gate is shut, unless `force`; raise MlverError, with nothing
        changed, when the stage cannot be moved.
        """
        _require_text(ref, "promote")
        require_texts("promote", to=to, message=message)
        result = promote_version(
            self.project, ref, to=to, message=message, force=force, dry_run=dry_run
        )
        if result.outcome == "refused":
            raise GatesShut(result)
        return result

    def rollback(
        self,
        model: str | None = None,
        *,
        stage: str,
        message: str,
        to: str | None = None,
        checkout: bool = False,
        dry_run: bool = False,
    ) -> RollbackResult:
        """Give a stage back to the version before, or to `to`, as `mlver rollback` does.

        With `checkout`, the working files become that version's. Raise MlverError, with the stage
        where it was, when any byte of that version is not right.
        """
        require_optional_texts("rollback", model=model, to=to)
        require_texts("rollback", stage=stage, message=message)
        return roll_back_stage(
            self.project,
            model,
            stage=stage,
            message=message,
            to=to,
            checkout=checkout,
            dry_run=dry_run,
        )

    def empty_stage(
        self, model: str | None = None, *, stage: str, message: str, dry_run: bool = False
    ) -> EmptyResult:
        """Empty a stage of a model, as `mlver retire MODEL --stage STAGE` does.

        Raise MlverError, with nothing changed, when that cannot be done.
        """
        require_optional_texts("empty_stage", model=model)
        require_texts("empty_stage", stage=stage, message=message)
        return emptying.empty_stage(
            self.project, model, stage=stage, message=message, dry_run=dry_run
        )

    def note(self, ref: str, message: str, *, dry_run: bool = False) -> NoteResult:
        """Add a remark that stays to the version that `ref` names, as `mlver note` does.

        Raise MlverError, with nothing changed, when that cannot be done.
        """
        _require_text(ref, "note")
        require_texts("note", message=message)
        return note_version(self.project, ref, message=message, dry_run=dry_run)

    def retire(
        self, ref: str, message: str, *, in_favour_of: str | None = None, dry_run: bool = False
    ) -> RetireResult:
        """Say that nobody should use the version that `ref` names, as `mlver retire` does.

        `in_favour_of` names the version to use instead. Raise MlverError, with nothing changed,
        when that cannot be done, or where `ref` names a model and no version.
        """
        _require_text(ref, "retire")
        require_texts("retire", message=message)
        require_optional_texts("retire", in_favour_of=in_favour_of)
        return retire_version(
            self.project, ref, message=message, in_favour_of=in_favour_of, dry_run=dry_run
        )

    def restore(self, ref: str, message: str, *, dry_run: bool = False) -> RetireResult:
        """Take the retirement of a version back, as `mlver retire --restore` does.

        Raise MlverError, with nothing changed, for a version that is not retired.
        """
        _require_text(ref, "restore")
        require_texts("restore", message=message)
        return restore_version(self.project, ref, message=message, dry_run=dry_run)


def register(
    model: str, message: str, *, path: Place = ".", **options: Unpack[RegisterOptions]
) -> RegisterResult:
    """Register a version in the repository that `path` is in, as `mlver register` does.

    Whatever is left out comes from `model.yaml`. The options, of which docs/python.md says more:

    - paths: `weights`, `data` (name → path), `params_files`, `metrics_files`, `environment`
    - values: `params`, `metrics` (maps, which may be nested), `param_keys`, `metric_keys`
    - the number: `version`, or `bump` ("major", "minor", "patch", "prerelease") with `pre`, and
      `allow_lower`
    - where it comes from: `run`, `parent`, `update` ("full", "incremental", "hybrid"), `uses`
      (without it, as the version before), `command`
    - descriptions: `labels`, `licenses`, `batches` (maps), `owner`, `description`
    - data at an address: `listings` (name → file), `executor`, `scheduler`, `hash_all`,
      `trust_server_checksums`
    - how: `unstored` (names of artifacts), `follow`, `commit`, `amend`, `allow_dirty`,
      `allow_mixed`, `allow_unfinished`, `dry_run`

    Raise MlverError, with nothing changed, when that cannot be done; TypeError for another option.
    """
    return Registry.find(path).register(model, message, **options)


def run(
    model: str | None = None, *, path: Place = ".", **options: Unpack[RunOptions]
) -> RunSession:
    """Have a training recorded, in the repository that `path` is in, as `mlver run` does.

    with mlver.run("digits", params={"lr": 0.1}) as run:
        for step in range(100):
            run.log(step, loss=train_step())
        run.measure(accuracy=evaluate())

    Whatever is left out comes from `model.yaml`. The run is recorded when the block ends, also by
    an exception; its ID is `run.id`. Within `mlver run -- python train.py` of the same model, the
    block belongs to that run. The options, of which docs/python.md says more:

    - `params` (a map, which may be nested), `params_files`, `metrics_files`, `data` (name → path)
    - `weights`: where the training writes them
    - `message`, `labels`, `pipeline`, `step`, `batch`
    - `diff=False` leaves uncommitted changes of the code out

    Raise MlverError where it may not be recorded; TypeError for another option.
    """
    return Registry.find(path).run(model, **options)


def promote(
    ref: str,
    *,
    to: str,
    message: str,
    force: bool = False,
    dry_run: bool = False,
    path: Place = ".",
) -> PromoteResult:
    """Promote in the repository that `path` is in: see `Registry.promote`."""
    registry = Registry.find(path)
    return registry.promote(ref, to=to, message=message, force=force, dry_run=dry_run)


def rollback(
    model: str | None = None,
    *,
    stage: str,
    message: str,
    to: str | None = None,
    checkout: bool = False,
    dry_run: bool = False,
    path: Place = ".",
) -> RollbackResult:
    """Roll back in the repository that `path` is in: see `Registry.rollback`."""
    registry = Registry.find(path)
    return registry.rollback(
        model, stage=stage, message=message, to=to, checkout=checkout, dry_run=dry_run
    )


def versions(model: str | None = None, *, path: Place = ".") -> RegisteredVersions:
    """List the versions in the repository that `path` is in: see `Registry.versions`."""
    return Registry.find(path).versions(model)


def empty_stage(
    model: str | None = None,
    *,
    stage: str,
    message: str,
    dry_run: bool = False,
    path: Place = ".",
) -> EmptyResult:
    """Empty a stage in the repository that `path` is in: see `Registry.empty_stage`."""
    registry = Registry.find(path)
    return registry.empty_stage(model, stage=stage, message=message, dry_run=dry_run)


def note(ref: str, message: str, *, dry_run: bool = False, path: Place = ".") -> NoteResult:
    """Add a remark in the repository that `path` is in: see `Registry.note`."""
    return Registry.find(path).note(ref, message, dry_run=dry_run)


def retire(
    ref: str,
    message: str,
    *,
    in_favour_of: str | None = None,
    dry_run: bool = False,
    path: Place = ".",
) -> RetireResult:
    """Retire a version in the repository that `path` is in: see `Registry.retire`."""
    registry = Registry.find(path)
    return registry.retire(ref, message, in_favour_of=in_favour_of, dry_run=dry_run)


def restore(ref: str, message: str, *, dry_run: bool = False, path: Place = ".") -> RetireResult:
    """Restore a version in the repository that `path` is in: see `Registry.restore`."""
    return Registry.find(path).restore(ref, message, dry_run=dry_run)


def _require_text(ref: object, name: str) -> None:
    # To the command line nothing is the only model, and here it is a mistake.
    if not isinstance(ref, str):
        raise TypeError(f"{name}() takes a text that names a version, not {ref!r}")


class LoggedReporter(SilentReporter):
    """Passes notes on to Python's logging; shows no progress."""

    def show_note(self, text: str) -> None:
        logging.getLogger("mlver").warning(text)
