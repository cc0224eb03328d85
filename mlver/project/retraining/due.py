"""`mlver due`: whether a model should be trained again, and why. It only looks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.errors import MlverError, shell_command, summarise_error
from mlver.policy.evaluated_metrics import choose_evaluations
from mlver.policy.gates.gate import RecordedVersion
from mlver.policy.retraining import (
    CurrentData,
    DueAnswer,
    DueCheck,
    MeasuredVersion,
    ScoreRule,
    conclude_checks,
    judge_age,
    judge_data,
    judge_drift,
    judge_score,
)
from mlver.project.artifacts import measuring
from mlver.project.history.stage_history import read_rule
from mlver.project.project import Project
from mlver.project.stages.candidate import read_committed_evaluations
from mlver.records.artifact import Artifact
from mlver.records.config import ProjectConfig
from mlver.records.model import ArtifactSettings, ModelSettings
from mlver.records.sections.due import DueSettings

_KEY_LENGTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DueModel:
    """What is known of one model; `version` is None where it has none that could be judged.

    `key` names the reasons, None where there are none: the same reasons have the same key.
    """

    model: str
    version: str | None
    answer: DueAnswer
    checks: tuple[DueCheck, ...]
    key: str | None = None
    next: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DueResult:
    """Each model that was asked for, judged by the version that holds `stage`, or the newest."""

    stage: str | None
    models: tuple[DueModel, ...]

    @property
    def exit_code(self) -> int:
        return 1 if any(model.answer == "due" for model in self.models) else 0


def find_due(
    project: Project, models: Sequence[str] = (), *, stage: str | None = None
) -> DueResult:
    """Say of these models, or of all, whether they should be trained again.

    A model is judged by its highest release, or by the version that holds `stage`. Raise MlverError
    for a model or a stage that does not exist, and for records that cannot be read.
    """
    config = project.registry.read_config()
    if stage is not None:
        read_rule(project, stage)
    names = [project.resolve_model(model) for model in models] or project.registry.list_models()
    if not names:
        project.resolve_model(None)
    judged = [_judge_model(project, config, name, stage) for name in dict.fromkeys(names)]
    return DueResult(stage=stage, models=tuple(judged))


def _judge_model(
    project: Project, config: ProjectConfig, model: str, stage: str | None
) -> DueModel:
    version = _find_version(project, model, stage)
    if isinstance(version, DueCheck):
        return DueModel(model=model, version=None, answer="unknown", checks=(version,))
    record, digest = project.registry.read_version(model, version)
    evaluations = read_committed_evaluations(project, record)
    recorded = RecordedVersion(record=record, digest=digest, evaluations=evaluations)
    checks = tuple(_list_checks(project, config, recorded))
    answer = conclude_checks(checks)
    is_due = answer == "due"
    return DueModel(
        model=model,
        version=version,
        answer=answer,
        checks=checks,
        key=_name_reasons(model, checks) if is_due else None,
        next=shell_command("mlver", "run", model, "--", "COMMAND") if is_due else None,
    )


def _find_version(project: Project, model: str, stage: str | None) -> str | DueCheck:
    """Find the version that is judged, or say why there is none."""
    if stage is not None:
        holder = project.registry.find_holder(model, stage)
        if holder is not None:
            return holder.version
        hint = shell_command("mlver", "log", model, "--stage", stage)
        return DueCheck(
            check="version", answer="unknown", says=f"no version holds {stage}", hints=(hint,)
        )
    try:
        return str(project.select_version(model, None))
    except MlverError as error:
        says = summarise_error(error)
        return DueCheck(check="version", answer="unknown", says=says, hints=error.hints)


def _list_checks(
    project: Project, config: ProjectConfig, version: RecordedVersion
) -> Iterator[DueCheck]:
    """Carry out what the settings ask for; what they leave out is not looked at."""
    record = version.record
    asked = config.due.get(record.model, DueSettings())
    if asked.data:
        yield from _judge_data_sets(project, config, version)
    if asked.drift:
        yield judge_drift(version, config.insight.drift)
    if asked.age is not None and asked.age_seconds is not None:
        yield judge_age(record.created, project.record_time, asked.age, asked.age_seconds)
    measured = _measure_version(project, config, version)
    settings = project.registry.read_settings(record.model) or ModelSettings(model=record.model)
    for metric in dict.fromkeys([*asked.metric, *asked.fall]):
        rule = ScoreRule(
            metric=metric,
            limit=asked.metric.get(metric),
            fall=asked.fall.get(metric),
            direction=settings.directions.get(metric, "higher"),
        )
        yield from judge_score(measured, rule)


def _judge_data_sets(
    project: Project, config: ProjectConfig, version: RecordedVersion
) -> Iterator[DueCheck]:
    record = version.record
    settings = project.registry.read_settings(record.model) or ModelSettings(model=record.model)
    for name in dict.fromkeys([*record.data, *settings.data]):
        pinned = record.data.get(name)
        pin = config.datasets.get(name)
        if pin is not None:
            current = CurrentData(digest=pin.digest, source=f"the pin of {name}")
        else:
            current = _measure_data(project, record.model, name, settings.data.get(name), pinned)
        yield judge_data(name, None if pinned is None else pinned.digest, current)


def _measure_data(
    project: Project,
    model: str,
    name: str,
    settings: ArtifactSettings | None,
    pinned: Artifact | None,
) -> CurrentData:
    """Measure what lies at the path of a data set now."""
    look = (shell_command("mlver", "status", model),)
    if settings is None:
        return CurrentData(fault=f"model.yaml no longer names {name}", hints=look)
    if settings.is_remote:
        return CurrentData(fault=f"it lies at {settings.path}, which nobody read for this")
    try:
        measured = measuring.measure_at(
            project,
            settings.path,
            keep_manifest=False,
            follow=not settings.stored,
            pinned=() if pinned is None else pinned,
        )
    except MlverError as error:
        return CurrentData(fault=summarise_error(error, settings.path), hints=error.hints)
    if measured is None or measured.dangling:
        return CurrentData(fault=f"{settings.path} is not here", hints=look)
    if measured.pointers:
        return CurrentData(fault=f"{settings.path} holds pointers in place of content", hints=look)
    return CurrentData(digest=measured.digest, source=settings.path)


def _measure_version(
    project: Project, config: ProjectConfig, version: RecordedVersion
) -> MeasuredVersion:
    """Find its last evaluation on each data set, and when it last got a stage."""
    scores = [pair for pair in version.evaluations if pair[0].drift is None]
    pins: dict[str, Digest] = {name: pin.digest for name, pin in config.datasets.items()}
    model, number = version.record.model, version.record.version
    promoted: list[str] = []
    for stage in project.registry.list_stages(model):
        for promotion, _ in project.registry.read_history(model, stage):
            if promotion.action != "retire" and promotion.version == number:
                promoted.append(promotion.created)
    return MeasuredVersion(
        version=replace(version, evaluations=scores),
        last=choose_evaluations(scores, version.digest, pins),
        promoted=max(promoted, default=None),
    )


def _name_reasons(model: str, checks: Sequence[DueCheck]) -> str:
    """Name the reasons by what decided them, in a form that the name of a branch can hold."""
    reasons = [f"{check.check}\0{check.evidence}" for check in checks if check.answer == "due"]
    text = "\n".join([model, *sorted(reasons)])
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:_KEY_LENGTH]
