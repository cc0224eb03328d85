"""`mlver evaluate`: measure registered versions on a pinned data set, and record what came of it.

While the command runs nothing is locked. The record is written once it has ended well: one file,
one commit. Whatever fails before that leaves nothing.
"""

from __future__ import annotations

import io
import shlex
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mlver.digest import Digest
from mlver.document import codec
from mlver.errors import MlverError, shell_command, summarise_error
from mlver.project.artifacts import storing, unstored
from mlver.project.artifacts.bringing import naming_remotes
from mlver.project.artifacts.code_state import inspect_working_code
from mlver.project.artifacts.read_only_copies import ReadOnlyCopy, put_read_only
from mlver.project.edit.edit import PlannedEdit, require_branch
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_later_date, require_possible_date
from mlver.project.evaluating.exam import Exam, bring_exam, find_exam, find_exam_objects
from mlver.project.evaluating.measuring_command import (
    CommandOutput,
    MeasuredPaths,
    MeasuringCommand,
)
from mlver.project.evaluating.request import EvaluatedVersion, EvaluateResult, EvaluationRequest
from mlver.project.evaluating.versions import choose_versions
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import find_last_link
from mlver.project.registry.newer_formats import naming_commits
from mlver.project.remote.fetching import FetchedAhead, fetch_versions
from mlver.project.remote.fetching_ahead import fetch_ahead
from mlver.project.remote.needed import list_needed
from mlver.project.tags import trust
from mlver.project.transaction import SCRATCH, editing
from mlver.project.worktree import environment
from mlver.records import layout
from mlver.records.artifact import Artifact
from mlver.records.evaluation import EvaluationRecord
from mlver.records.values import thaw_value
from mlver.records.version import CodeState, TrainingEnvironment, VersionRecord
from mlver.storage.digests import DigestSet
from mlver.system.scratch import ScratchFolder, scratch_folder
from mlver.version import Version

_METRICS, _SAMPLES = "metrics.json", "samples.txt"


def evaluate_versions(project: Project, ref: str, request: EvaluationRequest) -> EvaluateResult:
    """Measure the version that `ref` names, or several of a model: a record, a commit each.

    Raise MlverError where one version cannot be measured; of several, the others are, and the
    result says which failed.
    """
    refuse_protected(project)
    require_branch(project.repository, "")
    if not request.dry_run:
        # An evaluation that was interrupted is recorded now, or not at all: then it is missing.
        with editing(project, f"evaluate {ref}"):
            pass
    with naming_commits(project.repository):
        exam = find_exam(project, request.on)
        chosen = choose_versions(project, ref, exam, request.choice)
        evaluated: list[EvaluatedVersion] = []
        for number in chosen.versions:
            evaluation = _Evaluation(project, chosen.model, number, exam, request)
            is_alone = len(chosen.versions) == 1
            evaluated.append(_evaluate_one(evaluation, tolerant=not is_alone))
    return EvaluateResult(
        model=chosen.model,
        on=exam.name,
        data=str(exam.digest),
        command=shlex.join(request.command),
        versions=tuple(evaluated),
        measured=chosen.measured,
        retired=chosen.retired,
        dry_run=request.dry_run,
    )


def _evaluate_one(evaluation: _Evaluation, *, tolerant: bool) -> EvaluatedVersion:
    """Measure a version; with `tolerant`, one that cannot be measured is told as failed."""
    version = str(evaluation.number)
    if evaluation.request.dry_run:
        return EvaluatedVersion(version=version, outcome="planned")
    try:
        return evaluation.carry_out()
    except MlverError as error:
        if not tolerant:
            raise
        fault = summarise_error(error)
        return EvaluatedVersion(version=version, outcome="failed", fault=fault, hints=error.hints)


@dataclass(frozen=True, slots=True)
class _MeasuredSide:
    """What is measured, as it was before: the records, the artifacts, and their copies."""

    record: VersionRecord
    digest: Digest
    data: Artifact
    code: CodeState
    environment: TrainingEnvironment
    paths: MeasuredPaths
    copies: tuple[ReadOnlyCopy, ...]


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """The measurement of one version."""

    project: Project
    model: str
    number: Version
    exam: Exam
    request: EvaluationRequest

    @property
    def ref(self) -> str:
        return f"{self.model}@{self.number}"

    def carry_out(self) -> EvaluatedVersion:
        what = f"evaluate {self.ref}"
        ahead = fetch_ahead(self.project, what, self._find_weights)
        exam_ahead = fetch_ahead(self.project, what, self._find_exam)
        with ExitStack() as leaving:
            with editing(self.project, what):
                beside = self.project.state_directory / SCRATCH
                scratch = leaving.enter_context(scratch_folder(beside))
                side = self._prepare(scratch, ahead, exam_ahead)
            measurement = self._measure(side, scratch)
            untouched = all(copy.is_untouched() for copy in side.copies)
        if not untouched:
            self.project.reporter.show_note(
                f"the command changed the files of {self.ref} or of {self.exam.name} that it was"
                " given: the record says so, and no gate should count it"
            )
        return self._record(side, measurement, untouched=untouched)

    def _find_weights(self, project: Project) -> DigestSet:
        record, _ = trust.read_vouched_record(project, self.ref)
        self._require_date(record)
        return list_needed(project, [record], ("weights",))

    def _find_exam(self, project: Project) -> DigestSet:
        # A version that cannot be measured needs no data.
        self._find_weights(project)
        return find_exam_objects(project, self.exam)

    def _prepare(
        self, scratch: ScratchFolder, ahead: FetchedAhead, exam_ahead: FetchedAhead
    ) -> _MeasuredSide:
        """Put everything in place; hold the lock."""
        record, digest = trust.read_vouched_record(self.project, self.ref)
        trust.show_retirement(self.project, record)
        self._require_date(record)
        fetch_versions(self.project, [record], ("weights",), ahead=ahead)
        brought = unstored.bring_artifacts(self.project, record, only=("weights",), in_place=False)
        data = bring_exam(self.project, self.exam, exam_ahead)
        with naming_remotes(self.project, self.ref):
            weights = put_read_only(self.project, brought.record.weights, scratch.path / "weights")
        exam = put_read_only(self.project, data, scratch.path / "data")
        settings = self.project.registry.read_settings(self.model)
        return _MeasuredSide(
            record=record,
            digest=digest,
            data=data,
            code=inspect_working_code(self.project, settings).state,
            environment=environment.capture_environment(self.project.top_folder, {}, None),
            paths=self._choose_paths(scratch, weights.path, exam.path),
            copies=(weights, exam),
        )

    def _choose_paths(self, scratch: ScratchFolder, weights: Path, data: Path) -> MeasuredPaths:
        output = scratch.path / "output"
        output.mkdir()
        metrics, samples = output / _METRICS, output / _SAMPLES
        if self.request.metrics is not None:
            metrics = self.project.start / self.request.metrics
        if self.request.samples is not None:
            samples = self.project.start / self.request.samples
        return MeasuredPaths(
            weights=weights, data=data, output=output, metrics=metrics, samples=samples
        )

    def _measure(self, side: _MeasuredSide, scratch: ScratchFolder) -> CommandOutput:
        command = MeasuringCommand(
            words=self.request.command,
            folder=self.project.start,
            on=self.exam.name,
            timeout=self.request.timeout,
        )
        try:
            return command.measure_version(self.model, str(self.number), side.paths, scratch)
        except MlverError as error:
            error.message = f"{self.ref} was not evaluated: {error.message}"
            error.hints = error.hints or ("mlver evaluate --help",)
            raise

    def _record(
        self, side: _MeasuredSide, measurement: CommandOutput, *, untouched: bool
    ) -> EvaluatedVersion:
        with editing(self.project, f"evaluate {self.ref}") as edit:
            self._require_same(side)
            record = self._build_record(side, measurement, untouched=untouched)
            return self._write_record(edit, record)

    def _require_same(self, side: _MeasuredSide) -> None:
        """Raise MlverError where the version's record became another one meanwhile."""
        _, digest = self.project.registry.read_version(self.model, self.number)
        if digest != side.digest:
            raise MlverError(
                f"the record of {self.ref} was changed while it was measured, so nothing was"
                " recorded",
                hint=shell_command("git", "log", "-p", "--", side.record.record_path),
            )

    def _require_date(self, version: VersionRecord) -> str:
        created = self.project.record_time
        require_possible_date(self.project, "evaluation", created)
        require_later_date("evaluation", created, version)
        return created

    def _build_record(
        self, side: _MeasuredSide, measurement: CommandOutput, *, untouched: bool
    ) -> EvaluationRecord:
        folder = layout.attached_folder("evaluation", self.model, self.number)
        require_as_committed(self.project.repository, self.project.registry, folder)
        sequence, _ = find_last_link(self.project.registry, folder)
        run = measurement.run
        return EvaluationRecord(
            model=self.model,
            version=str(self.number),
            sequence=sequence + 1,
            created=self._require_date(side.record),
            author=self.project.repository.author(),
            message=self.request.message.strip(),
            record=side.digest,
            data={self.exam.name: side.data},
            metrics=measurement.metrics,
            count=measurement.count,
            samples=self._store_samples(measurement),
            code=side.code,
            environment=side.environment,
            duration=round(run.seconds, 3),
            resources={
                "cpu_seconds": round(run.cpu_seconds, 3),
                "max_rss_bytes": run.max_rss_bytes,
            },
            untouched=untouched,
            command=shlex.join(self.request.command),
        )

    def _store_samples(self, measurement: CommandOutput) -> Digest | None:
        if measurement.samples is None:
            return None
        with storing.open_store(self.project).open_deposit() as deposit:
            return deposit.put_object(io.BytesIO(measurement.samples))

    def _write_record(self, edit: PlannedEdit, record: EvaluationRecord) -> EvaluatedVersion:
        data = codec.encode_document("evaluation", record.to_document())
        edit.create_file(record.record_path, data)
        subject = f"mlver: evaluate {record.model} {record.version} on {self.exam.name}"
        commit = edit.commit_files(f"{subject}\n\n{record.message}".strip())
        return EvaluatedVersion(
            version=record.version,
            outcome="evaluated",
            metrics=thaw_value(record.metrics),
            count=record.count,
            samples=None if record.samples is None else str(record.samples),
            untouched=record.untouched,
            duration=record.duration,
            sequence=record.sequence,
            path=record.record_path,
            record=str(Digest.of_bytes(data)),
            commit=commit,
        )
