"""`mlver drill`: rehearse a rollback, byte for byte, without moving the stage or the work tree."""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mlver.errors import MlverError, shell_command, summarise_error
from mlver.findings import Finding
from mlver.policy.staging import stage_holder
from mlver.project.artifacts import damage
from mlver.project.checkout import CheckoutOptions, check_out
from mlver.project.corrections.note import note_version
from mlver.project.drilling.steps import DrilledStep, StepTimer, judge_time
from mlver.project.history.stage_history import read_rule
from mlver.project.project import Project
from mlver.project.registry.attached import find_retirement
from mlver.project.stages.rollback import choose_target
from mlver.project.stages.rollback_signature import require_signature
from mlver.project.tags import trust
from mlver.project.transaction import settle_interrupted, writing_files
from mlver.records.note import DrillReport
from mlver.records.version import VersionRecord
from mlver.system.outside import find_outside, hold_folder
from mlver.version import Version

_PREFIX = "mlver-drill-"
# Beside the bytes themselves, file systems keep names and blocks.
_SPARE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillResult:
    """What a rollback of `stage` to `version` would come to, while `holder` holds it.

    `obstacles` are what would have stopped it; without any, `files` and `bytes` were restored in so
    many `seconds`, and removed again; `steps` are all that a person waits for. `version` is None
    where there is none to go back to. `note` is the number of the note that keeps the drill, None
    where nothing was recorded.
    """

    model: str
    stage: str
    holder: str | None
    version: str | None = None
    files: int = 0
    bytes: int = 0
    seconds: float = 0.0
    steps: tuple[DrilledStep, ...] = ()
    skipped: tuple[str, ...] = ()
    obstacles: tuple[Finding, ...] = ()
    note: int | None = None
    commit: str | None = None

    @property
    def exit_code(self) -> int:
        return 1 if self.obstacles else 0


def drill_rollback(
    project: Project,
    model: str | None,
    *,
    stage: str,
    to: str | None = None,
    within: int | None = None,
    record: bool = False,
) -> DrillResult:
    """Restore the version that a rollback of `stage` would go to into a scratch folder.

    `to` may also be the version that holds the stage: a rollback goes there after the next
    promotion. More than `within` seconds for all of it are an obstacle. With `record`, a drill that
    nothing stopped is kept as a note on the version. Raise MlverError where the drill itself cannot
    be held.
    """
    if record:
        settle_interrupted(project, f"drill {model or stage}")
    # What was interrupted is in the way of this, and not of a rollback, which settles it.
    with writing_files(project, f"drill {model or stage}"):
        resolved_model = project.resolve_model(model)
    read_rule(project, stage)
    wanted = None if to is None else project.select_version(resolved_model, to)
    history = project.registry.read_history(resolved_model, stage)
    result = DrillResult(
        model=resolved_model,
        stage=stage,
        holder=stage_holder([promotion for promotion, _ in history]),
    )
    result = _drill_steps(project, result, wanted, within)
    return _keep_drill(project, result) if record and not result.obstacles else result


def _drill_steps(
    project: Project, result: DrillResult, wanted: Version | None, within: int | None
) -> DrillResult:
    """Do and time what a rollback would, up to the record."""
    timer = StepTimer()
    try:
        with timer.time_step("choose"):
            target, reasons = _find_version(project, result, wanted)
    except MlverError as error:
        message = f"cannot be rolled back: {summarise_error(error)}"
        finding = Finding("record", f"{result.model} {result.stage}", message, error.hints)
        return replace(result, obstacles=(finding,))
    named = replace(result, version=target.version)
    with timer.time_step("restore"):
        result = _rehearse(project, named, target)
    with timer.time_step("prove signatures"):
        signatures = _judge_signatures(project, target, result.stage)
    steps = tuple(timer.steps)
    late = judge_time(f"{result.model} {target.version}", steps, within)
    obstacles = tuple(dict.fromkeys([*reasons, *signatures, *result.obstacles, *late]))
    return replace(result, steps=steps, obstacles=obstacles)


def _find_version(
    project: Project, result: DrillResult, wanted: Version | None
) -> tuple[VersionRecord, tuple[Finding, ...]]:
    """Find the record to restore, and what would keep a rollback from acting on it."""
    model, stage = result.model, result.stage
    to = None if wanted is None else str(wanted)
    if wanted is not None and str(wanted) == result.holder:
        return _judge_holder(project, model, stage, wanted)
    try:
        return choose_target(project, model, stage, to).record, ()
    except MlverError as error:
        if wanted is None or not _has_held(project, model, stage, wanted):
            raise
        record, _ = project.registry.read_version(model, wanted)
        return record, _describe_obstacles(f"{model} {wanted}", error)


def _judge_holder(
    project: Project, model: str, stage: str, version: Version
) -> tuple[VersionRecord, tuple[Finding, ...]]:
    """Judge the holder of a stage as a rollback after the next promotion would."""
    record, _ = project.registry.read_version(model, version)
    name = f"{model} {version}"
    try:
        record, digest = trust.read_vouched_record(project, f"{model}@{version}")
        history = project.registry.read_history(model, stage)
        vouched = {promotion.record for promotion, _ in history}
        trust.require_trusted(project, record, digest, vouched=vouched)
        retirement = find_retirement(project.registry, model, version)
    except MlverError as error:
        return record, _describe_obstacles(name, error)
    if retirement is None:
        return record, ()
    restore = shell_command("mlver", "retire", f"{model}@{version}", "--restore", "-m", "WHY")
    message = f"is retired: {retirement.reason}"
    return record, (Finding("record", name, message, (restore,)),)


def _judge_signatures(project: Project, record: VersionRecord, stage: str) -> tuple[Finding, ...]:
    """Judge the one gate that a rollback asks, as the rollback would."""
    history = project.registry.read_history(record.model, stage)
    chosen = project.resolve_ref(f"{record.model}@{record.version}")
    try:
        require_signature(project, stage, chosen, history)
    except MlverError as error:
        return _describe_obstacles(f"{record.model} {record.version}", error)
    return ()


def _has_held(project: Project, model: str, stage: str, version: Version) -> bool:
    history = project.registry.read_history(model, stage)
    return str(version) in {promotion.version for promotion, _ in history}


def _describe_obstacles(subject: str, error: MlverError) -> tuple[Finding, ...]:
    if error.findings:
        return tuple(error.findings)
    message = summarise_error(error).removeprefix(f"{subject} ")
    return (Finding("record", subject, message, error.hints),)


def _rehearse(project: Project, result: DrillResult, record: VersionRecord) -> DrillResult:
    """Restore a version into a scratch folder, and take that away again."""
    ref = f"{record.model}@{record.version}"
    with _open_scratch(project, record) as folder:
        begun = time.monotonic()
        try:
            outcome = check_out(project, ref, CheckoutOptions(to=os.fspath(folder)))
        except MlverError as error:
            obstacles = _list_damage(project, record)
            # A disk that is full or broken stops the drill, and says nothing of the version.
            if not obstacles and isinstance(error.__cause__, OSError):
                raise
            obstacles = obstacles or _describe_obstacles(f"{record.model} {record.version}", error)
            return replace(result, obstacles=obstacles)
        seconds = time.monotonic() - begun
        files, size = _measure_folder(folder)
    return replace(
        result,
        files=files,
        bytes=size,
        seconds=round(seconds, 3),
        skipped=outcome.files.skipped,
    )


def _list_damage(project: Project, record: VersionRecord) -> tuple[Finding, ...]:
    """List all that is missing or damaged: the restoring stops at the first."""
    with suppress(MlverError):
        return tuple(damage.find_damage(project, [record]).lost)
    return ()


@contextmanager
def _open_scratch(project: Project, record: VersionRecord) -> Iterator[Path]:
    """Make a folder outside the work tree, and remove it whatever happens.

    Raise MlverError where the temporary files of this machine have no room for the version.
    """
    parent = find_outside(project.top_folder, project.repository.common_dir)
    needed = sum(artifact.size for artifact in record.named_artifacts().values())
    free = shutil.disk_usage(parent).free
    if free < needed + _SPARE_BYTES:
        raise MlverError(
            f"{parent} has {free:,} bytes left, and {record.model} {record.version} needs"
            f" {needed:,}: set TMPDIR to a folder with room for it",
            hint=shell_command("df", "-h", "--", parent),
        )
    with hold_folder(parent, _PREFIX, project.top_folder) as held:
        yield held


def _measure_folder(folder: Path) -> tuple[int, int]:
    files = 0
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            files += 1
            size += (Path(parent) / name).lstat().st_size
    return files, size


def _keep_drill(project: Project, result: DrillResult) -> DrillResult:
    assert result.holder is not None
    # Where the clock of records is fixed, no time passes on it.
    seconds = 0 if os.environ.get("SOURCE_DATE_EPOCH") else math.ceil(result.seconds)
    report = DrillReport(
        stage=result.stage,
        holder=result.holder,
        files=result.files,
        bytes=result.bytes,
        seconds=seconds,
    )
    message = (
        f"drill: a rollback of {result.stage} to {result.version} was rehearsed,"
        f" {result.bytes:,} bytes" + (f" within {seconds:,} s" if seconds else "")
    )
    noted = note_version(project, f"{result.model}@{result.version}", message=message, drill=report)
    return replace(result, note=noted.sequence, commit=noted.commit)
