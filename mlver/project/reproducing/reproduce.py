"""`mlver reproduce`: train a version again from what its record names, and record what came of it.

The command is the one that the record names: it runs only once a person has seen it and said yes.
While it runs nothing is locked.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError, printable_name, shell_command
from mlver.git.detached import apply_changes, check_out_apart
from mlver.policy.promotion_dates import count_seconds
from mlver.project.checkout import CheckoutOptions, check_out
from mlver.project.edit.edit import require_branch
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_later_date, require_possible_date
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import REPRODUCTIONS, find_last_link
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.reproducing.comparing import (
    Comparison,
    compare_weights,
    list_differing_metrics,
    measure_weights,
    read_metrics,
)
from mlver.project.reproducing.machine import list_machine_inputs
from mlver.project.reproducing.recipes import EnvironmentRecipe, build_variables
from mlver.project.reproducing.request import ReproduceResult, ReproductionRequest
from mlver.project.reproducing.surroundings import (
    capture_made,
    describe_surroundings,
    list_differing_inputs,
    read_params,
)
from mlver.project.reproducing.survey import Survey, survey_version
from mlver.project.tags import trust
from mlver.project.transaction import editing, settle_interrupted
from mlver.records import layout
from mlver.records.reproduction import (
    DifferingInput,
    ReproductionEnvironment,
    ReproductionRecord,
)
from mlver.records.values import thaw_value
from mlver.records.version import VersionRecord
from mlver.system.outside import find_outside, hold_folder
from mlver.system.running import FinishedRun, RunCommand, run_command

_PREFIX = "mlver-reproduce-"
_STANDARD_ERROR = 2
_SAME_S = 600

# Shows a person what would be run, and says whether they agree.
Confirm = Callable[[Survey], bool]


def reproduce_version(
    project: Project, ref: str | None, request: ReproductionRequest, confirm: Confirm
) -> ReproduceResult:
    """Train the version that `ref` names again, once `confirm` agreed to its command.

    The result without an answer says what is missing. Raise MlverError where nobody agreed, or
    where the training itself failed.
    """
    if not request.dry_run:
        refuse_protected(project)
        require_branch(project.repository, "")
        settle_interrupted(project, f"reproduce {ref or ''}".strip())
    with naming_commits(project.repository):
        record, digest = trust.read_vouched_record(project, ref)
        survey = survey_version(project, record, digest, request.environment)
    planned = ReproduceResult(
        model=record.model,
        version=record.version,
        parts=survey.parts,
        command=survey.words,
        dry_run=request.dry_run,
    )
    if request.dry_run or not survey.is_complete:
        return planned
    if not confirm(survey):
        raise MlverError(
            f"nothing was run: nobody agreed to `{printable_name(shlex.join(survey.words))}`",
            hint=shell_command("mlver", "reproduce", f"{record.model}@{record.version}", "--yes"),
        )
    trained = _Reproduction(project, survey, request).carry_out()
    return _record(project, survey, request, trained)


@dataclass(frozen=True, slots=True)
class _TrainedAgain:
    """What came of a training."""

    comparison: Comparison
    metrics: Mapping[str, Any]
    inputs: tuple[DifferingInput, ...]
    environment: ReproductionEnvironment
    seconds: float


@dataclass(frozen=True, slots=True)
class _Reproduction:
    """One training of a version, in folders that are removed afterwards."""

    project: Project
    survey: Survey
    request: ReproductionRequest

    @property
    def record(self) -> VersionRecord:
        return self.survey.record

    @property
    def ref(self) -> str:
        return f"{self.record.model}@{self.record.version}"

    @property
    def _changes(self) -> bytes | None:
        """The changes of the code that no commit holds, and that its run kept."""
        return self.survey.source.diff if self.record.code.dirty else None

    def carry_out(self) -> _TrainedAgain:
        commit, recipe = self.record.code.commit, self.survey.recipe
        assert commit is not None
        assert recipe is not None
        with _open_scratch(self.project) as scratch:
            code = scratch / "code"
            check_out_apart(self.project.repository, commit, code)
            if self._changes is not None:
                apply_changes(code, self._changes)
            self._place_inputs(scratch, code)
            folder = recipe.build(code, scratch / "environment")
            run = self._run(code, folder)
            return self._compare(scratch, code, folder, recipe, run)

    def _place_inputs(self, scratch: Path, code: Path) -> None:
        """Put the data in place, and what an incremental training began with; no old weights."""
        record = self.record
        _remove(_find_place(code, record.weights.path))
        if record.data:
            self._bring(self.ref, tuple(record.data), scratch / "data")
            for artifact in record.data.values():
                _move(scratch / "data", code, artifact.path)
        if record.update != "full" and record.parent is not None:
            parent, _ = self.project.registry.read_version(record.model, record.parent)
            self._bring(f"{record.model}@{record.parent}", ("weights",), scratch / "parent")
            _move(scratch / "parent", code, parent.weights.path, record.weights.path)

    def _bring(self, ref: str, names: tuple[str, ...], folder: Path) -> None:
        folder.mkdir()
        outcome = check_out(self.project, ref, CheckoutOptions(to=os.fspath(folder), only=names))
        if outcome.files.skipped:
            listed = ", ".join(outcome.files.skipped)
            raise MlverError(
                f"nobody here keeps {listed} of {ref}, so it cannot be trained again",
                hint=shell_command("mlver", "show", ref),
            )

    def _run(self, code: Path, folder: Path | None) -> FinishedRun:
        command = RunCommand(
            words=self.survey.words,
            folder=code,
            environment=build_variables(folder),
            output=_STANDARD_ERROR,
            timeout=self.request.timeout,
        )
        run = run_command(command)
        name = printable_name(self.survey.words[0])
        hint = shell_command("mlver", "show", self.ref)
        if run.timed_out:
            raise MlverError(f"{name} took longer than --timeout allows, and was ended", hint=hint)
        if run.code:
            ending = f"exit code {run.code}" if run.code > 0 else f"signal {-run.code}"
            raise MlverError(
                f"{self.ref} was not reproduced: {name} ended with {ending}", hint=hint
            )
        return run

    def _compare(
        self,
        scratch: Path,
        code: Path,
        folder: Path | None,
        recipe: EnvironmentRecipe,
        run: FinishedRun,
    ) -> _TrainedAgain:
        record = self.record

        def bring_recorded() -> Path:
            self._bring(self.ref, ("weights",), scratch / "recorded")
            return scratch / "recorded" / record.weights.path

        comparison = compare_weights(
            self.project,
            record.weights,
            measure_weights(self.project, record, code),
            code,
            bring_recorded,
            self.request.tolerance,
        )
        captured = capture_made(code, folder)
        environment = describe_surroundings(recipe, captured, folder, scratch)
        params = read_params(self.project, record, code)
        inputs = self._list_changes() + list_differing_inputs(record, captured, params)
        inputs += list_machine_inputs(
            record,
            self.survey.source.run,
            environment.blas,
            is_identical=comparison.answer == "identical",
        )
        return _TrainedAgain(
            comparison=comparison,
            metrics=read_metrics(self.project, record, code),
            inputs=tuple(inputs),
            environment=environment,
            seconds=run.seconds,
        )

    def _list_changes(self) -> list[DifferingInput]:
        """Say whose changes were applied: the version's record does not pin them."""
        if self._changes is None:
            return []
        found = f"{Digest.of_bytes(self._changes)} of run {printable_name(self.record.run or '')}"
        return [DifferingInput(name="uncommitted changes", recorded=None, found=found)]


@contextmanager
def _open_scratch(project: Project) -> Iterator[Path]:
    """Make a folder outside of the repository, and remove it whatever happens."""
    parent = find_outside(project.top_folder, project.repository.common_dir)
    with hold_folder(parent, _PREFIX, project.top_folder) as folder:
        yield folder


def _find_place(top: Path, path: str) -> Path:
    """Find where a path lies in a checked-out commit; raise MlverError for one that leads out."""
    place = top / path
    if not place.parent.resolve().is_relative_to(top.resolve()):
        raise MlverError(f"{printable_name(path)} leads out of the commit's own files")
    return place


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _move(source: Path, code: Path, path: str, to: str | None = None) -> None:
    """Move what lies at a path into the checked-out commit, in place of what is there."""
    place = _find_place(code, to or path)
    _remove(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    (source / path).rename(place)


# -- the record ------------------------------------------------------------------------------------


def _record(
    project: Project, survey: Survey, request: ReproductionRequest, trained: _TrainedAgain
) -> ReproduceResult:
    version = survey.record
    commit = None
    with editing(project, f"reproduce {version.model}@{version.version}") as edit:
        _require_same(project, survey)
        record = _build_record(project, survey, request, trained)
        last = _find_last(project, record)
        # Whoever was interrupted runs the command again, and means one record.
        if last is not None and _say_same(last, record):
            record = last
        else:
            data = codec.encode_document("reproduction", record.to_document())
            edit.create_file(record.record_path, data)
            subject = f"mlver: reproduce {record.model} {record.version}: {record.answer}"
            commit = edit.commit_files(f"{subject}\n\n{record.message}".strip())
    return ReproduceResult(
        model=record.model,
        version=record.version,
        parts=survey.parts,
        command=survey.words,
        answer=record.answer,
        weights=str(record.weights),
        values=record.values,
        metrics=thaw_value(record.metrics),
        differing=record.differing,
        inputs=record.inputs,
        environment=record.environment,
        duration=record.duration,
        sequence=record.sequence,
        path=record.record_path,
        commit=commit,
    )


def _find_last(project: Project, record: ReproductionRecord) -> ReproductionRecord | None:
    if record.sequence == 1:
        return None
    return REPRODUCTIONS.read(project.registry, record.model, record.version, record.sequence - 1)


def _say_same(last: ReproductionRecord, record: ReproductionRecord) -> bool:
    """Say whether two say the same but for their times; later, it is another reproduction."""
    age = count_seconds(record.created) - count_seconds(last.created)
    found = replace(
        record,
        sequence=last.sequence,
        created=last.created,
        duration=last.duration,
        metrics=last.metrics,
        differing=last.differing,
        prior=last.prior,
    )
    return found == last and 0 <= age < _SAME_S


def _require_same(project: Project, survey: Survey) -> None:
    """Raise MlverError where the version's record became another one meanwhile."""
    _, digest = project.registry.read_version(survey.record.model, survey.record.version)
    if digest != survey.digest:
        raise MlverError(
            f"the record of {survey.record.model} {survey.record.version} was changed while it was"
            " trained again, so nothing was recorded",
            hint=shell_command("git", "log", "-p", "--", survey.record.record_path),
        )


def _build_record(
    project: Project, survey: Survey, request: ReproductionRequest, trained: _TrainedAgain
) -> ReproductionRecord:
    version = survey.record
    folder = layout.attached_folder("reproduction", version.model, version.version)
    require_as_committed(project.repository, project.registry, folder)
    sequence, prior = find_last_link(project.registry, folder)
    created = project.record_time
    require_possible_date(project, "reproduction", created)
    require_later_date("reproduction", created, version)
    comparison = trained.comparison
    metrics = list_differing_metrics(version, trained.metrics)
    return ReproductionRecord(
        model=version.model,
        version=version.version,
        sequence=sequence + 1,
        created=created,
        author=project.repository.author(),
        message=request.message.strip() or f"trained again: {comparison.answer}",
        answer=comparison.answer,
        weights=comparison.weights,
        values=comparison.values,
        metrics=trained.metrics,
        command=shlex.join(survey.words),
        duration=round(trained.seconds, 3),
        environment=trained.environment,
        inputs=trained.inputs,
        differing=(*comparison.differing, *metrics),
        record=survey.digest,
        prior=prior,
    )
