"""What is known once a training has ended: what it measured and wrote, and how it ended.

Whatever of it cannot be recorded is left out, with a remark: the hours are spent by now.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.document import codec, values
from mlver.errors import InvalidDocument, MlverError, UsageError, printable_name, summarise_error
from mlver.policy.leaks import find_document_leaks
from mlver.project.history.secret_params import encrypt_params, find_exposed
from mlver.project.project import Project
from mlver.project.runs.beginning import BegunRun, measure_artifact
from mlver.project.runs.given import SessionValues
from mlver.project.runs.kept import keep_run
from mlver.project.runs.request import RunResult
from mlver.project.worktree import environment, value_files
from mlver.records.artifact import Artifact
from mlver.records.curves import Curves, format_curves, parse_curves
from mlver.records.run import AttachedFile, RunOutcome, RunRecord
from mlver.records.values import flatten_values, pick_values, thaw_value
from mlver.system.folders import walk_folder

_CURVE_SUFFIX = ".jsonl"
_MOST_REMARKS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnding:
    """How a training ended: `curves` are the bytes that it wrote, None where it wrote none.

    `duration` is in seconds. `given` is what a program gave, beside what is in its files.
    """

    outcome: RunOutcome
    exit_code: int | None
    duration: float
    resources: Mapping[str, float] = field(default_factory=dict)
    curves: bytes | None = None
    given: SessionValues = field(default_factory=SessionValues)


def finish_run(project: Project, begun: BegunRun, ending: RunEnding) -> RunResult:
    """Record a training; its record is durable when this returns.

    Raise MlverError where git cannot store it.
    """
    gathering = _Gathering(project, begun, [*begun.record.remarks, *ending.given.remarks])
    params, secrets = gathering.gather_params(ending.given.params)
    metrics = gathering.gather_metrics(ending.given.metrics)
    curves = gathering.gather_curves(ending.curves)
    curve_bytes = format_curves(curves) if len(curves) else None
    base = begun.record
    record = replace(
        base,
        outcome=ending.outcome,
        exit_code=ending.exit_code,
        duration=round(ending.duration, 3),
        resources=ending.resources,
        weights=gathering.measure_weights(),
        params=params,
        secrets={**secrets, **ending.given.secrets},
        metrics=metrics,
        curves=None if curve_bytes is None else AttachedFile.of_bytes(curve_bytes),
        points=len(curves),
        environment=replace(base.environment, seed=environment.find_seed(params)),
        machine=replace(base.machine, blas=ending.given.blas),
    )
    record, data = gathering.encode_record(record)
    diff = begun.diff if record.diff is not None else None
    commit = keep_run(project, record, data, curve_bytes, diff)
    weights = begun.settings.weights
    return replace(
        describe_run(record),
        record=str(Digest.of_bytes(data)),
        commit=commit,
        has_weights=weights is not None and os.path.lexists(project.top_folder / weights.path),
        has_versions=bool(project.registry.list_versions(record.model)),
    )


def describe_run(record: RunRecord) -> RunResult:
    """Say what a record holds; where it is kept is still to be added."""
    return RunResult(
        model=record.model,
        run=record.run,
        reference=record.name.reference,
        outcome=record.outcome,
        exit_code=record.exit_code,
        command=record.command,
        duration=record.duration,
        params=len(flatten_values(record.params)),
        secrets=tuple(record.secrets),
        metrics=thaw_value(record.metrics),
        points=record.points,
        data={name: str(artifact.digest) for name, artifact in record.data.items()},
        weights=None if record.weights is None else str(record.weights.digest),
        has_weights=record.weights is not None,
        has_versions=False,
        dirty=record.code.dirty,
        diff=None if record.diff is None else record.diff.size,
        pipeline=record.pipeline,
        step=record.step,
        batch=record.batch,
        remarks=record.remarks,
        record=None,
        commit=None,
        dry_run=False,
    )


@dataclass(slots=True)
class _Gathering:
    """Gathers what a training left, and remarks upon what cannot be recorded.

    `late_secret` are secret parameters that only show in the end.
    """

    project: Project
    begun: BegunRun
    remarks: list[str]
    late_secret: dict[str, Any] = field(default_factory=dict)

    def gather_params(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """The parameters, with those of files that the training wrote; and the secret ones."""
        late: dict[str, Any] = {}
        for file in self.begun.absent_params:
            self._remark_absent(file, "params")
            found = self._read_values(file, self.begun.settings.param_keys)
            late = value_files.merge_values(late, found)
        late_public, late_secret = self.begun.encryption.split_params(late)
        public, secret = self.begun.encryption.split_params(given)
        # What it was told before it began counts, and before that what the program itself says.
        params = value_files.merge_values(late_public, self.begun.record.params)
        params = value_files.merge_values(params, public)
        secrets = dict(self.begun.record.secrets)
        fresh = {name: value for name, value in late_secret.items() if name not in secrets}
        fresh.update(secret)
        try:
            secrets.update(encrypt_params(fresh, self.begun.encryption))
        except MlverError as error:
            self.remarks.append(f"secret params were not recorded: {error.message}")
        self.late_secret.update(fresh)
        return params, secrets

    def gather_metrics(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The metrics of the files that the training wrote, and those that a program gave."""
        metrics: dict[str, Any] = {}
        for file, awaited in self.begun.metrics.items():
            self._remark_absent(file, "metrics")
            if awaited.is_new():
                found = self._read_values(file, self.begun.settings.metric_keys)
                metrics = value_files.merge_values(metrics, found)
        metrics = value_files.merge_values(metrics, given)
        numbers, faults = value_files.split_numbers(metrics)
        for fault in faults[:_MOST_REMARKS]:
            self.remarks.append(f"the metric {printable_name(fault.replace(': is', ' is', 1))}")
        return numbers

    def gather_curves(self, written: bytes | None) -> Curves:
        """The curves that the training logged, else those of its metrics file in JSON Lines."""
        sources: list[tuple[str, bytes]] = []
        if written is not None:
            sources.append(("the curves", written))
        for file, awaited in self.begun.metrics.items():
            if file.endswith(_CURVE_SUFFIX) and awaited.is_new():
                data = self._read_file(file)
                if data is not None:
                    sources.append((file, data))
        for where, data in sources:
            faults: list[str] = []
            try:
                curves = parse_curves(data, where, as_written=True, faults=faults)
            except InvalidDocument as error:
                self.remarks.append(summarise_error(error))
                continue
            if faults:
                more = f", and {len(faults) - 1:,} lines more" if len(faults) > 1 else ""
                self.remarks.append(f"a line of {where}: {printable_name(faults[0])}{more}")
            if len(curves):
                return curves
        return Curves()

    def measure_weights(self) -> Artifact | None:
        """The weights that the training wrote; None where it wrote none."""
        weights = self.begun.settings.weights
        if weights is None:
            return None
        if not os.path.lexists(self.project.top_folder / weights.path):
            shown = printable_name(weights.path)
            self.remarks.append(f"the weights at {shown}: nothing is there, and nothing wrote it")
            return None
        if not is_written_since(self.project.top_folder / weights.path, self.begun.mark):
            return None
        try:
            return measure_artifact(self.project, weights)
        except (MlverError, OSError) as error:
            self.remarks.append(f"the weights were not hashed: {printable_name(str(error))}")
            return None

    def encode_record(self, record: RunRecord) -> tuple[RunRecord, bytes]:
        """Encode the record, without what may not or cannot be recorded."""
        if self._holds_secret({"params": record.params}):
            record = replace(record, params={})
        if self._holds_secret({"metrics": record.metrics}):
            record = replace(record, metrics={})
        text = (self.begun.diff or b"").decode(errors="replace")
        if find_exposed({"uncommitted changes": text}, self.late_secret):
            self.remarks.append("the uncommitted changes hold a secret param, and are left out")
            record = replace(record, diff=None)
        try:
            return self._encode(record)
        except InvalidDocument as error:
            self.remarks.append(f"params and metrics are left out: {summarise_error(error)}")
            return self._encode(replace(record, params={}, metrics={}))

    def _holds_secret(self, part: Mapping[str, Any]) -> bool:
        """Whether a part of the record holds what looks like a secret; say so in a remark."""
        given = thaw_value(part)
        secret = {**self.begun.secret, **self.late_secret}
        found = find_exposed(given, secret) is not None or any(find_document_leaks(given))
        if found:
            (name,) = part
            self.remarks.append(f"the {name} hold what looks like a secret, and are left out")
        return found

    def _encode(self, record: RunRecord) -> tuple[RunRecord, bytes]:
        record = replace(record, remarks=tuple(dict.fromkeys(self.remarks)))
        return record, codec.encode_document("run", record.to_document())

    def _read_values(self, file: str, keys: tuple[str, ...]) -> dict[str, Any]:
        data = self._read_file(file)
        if data is None:
            return {}
        try:
            # A loss that is NaN is said to be none; it does not hide the other metrics.
            loaded = values.load_values(Path(file).suffix, data, file, finite=False)
        except (InvalidDocument, UsageError) as error:
            self.remarks.append(f"{printable_name(file)} was not read: {summarise_error(error)}")
            return {}
        return pick_values(loaded, keys)

    def _remark_absent(self, file: str, what: str) -> None:
        if not os.path.lexists(self.project.top_folder / file):
            shown = printable_name(file)
            self.remarks.append(f"the {what} of {shown}: nothing is there, and nothing wrote it")

    def _read_file(self, file: str) -> bytes | None:
        try:
            return value_files.read_value_file(self.project.top_folder, file)
        except MlverError as error:
            self.remarks.append(summarise_error(error))
            return None


def is_written_since(path: Path, mark: int) -> bool:
    """Whether anything at a path was written since a time, by the clock that dates files.

    What went away meanwhile, such as a temporary file, was not. A link that leads nowhere counts by
    its own date.
    """
    if not path.is_dir():
        return _find_date(path) >= mark
    for folder, entries in walk_folder(path):
        if _find_date(folder) >= mark:
            return True
        if any(_find_date(entry.path) >= mark for entry in entries):
            return True
    return False


def _find_date(path: str | Path) -> int:
    """When a file was written last, in nanoseconds since 1970; 0 where nobody can tell."""
    for read_status in (os.stat, os.lstat):
        with suppress(OSError):
            return read_status(path).st_mtime_ns
    return 0
