"""Which versions a verdict is about, and when their answers count."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.digest import Digest
from mlver.errors import MlverError, UsageError, shell_command
from mlver.policy.promotion_dates import count_seconds
from mlver.policy.time_windows import parse_window
from mlver.project.history.stage_history import read_rule
from mlver.project.judging.events import JudgedArms
from mlver.project.project import Project
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.version import VersionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmChoice:
    """What the command line says of the two versions, and of when counting begins."""

    stage: str
    candidate: str | None = None
    baseline: str | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenArms:
    """The two versions with their records, and what is counted of them.

    The version that is judged `is_in_use` where it holds the stage.
    """

    arms: JudgedArms
    is_in_use: bool
    record: VersionRecord
    digest: Digest
    baseline: VersionReference | None


def choose_arms(
    project: Project, model: str | None, choice: ArmChoice, settings: VerdictSettings
) -> ChosenArms:
    """Choose the candidate and the baseline: as named, else the stage's holder and the one before.

    Raise MlverError where nothing holds the stage, and UsageError where nobody can tell since when
    the candidate served.
    """
    resolved = project.resolve_model(model)
    read_rule(project, choice.stage)
    history = [record for record, _ in project.registry.read_history(resolved, choice.stage)]
    candidate = _find_candidate(project, resolved, choice)
    record, digest = project.registry.read_version(resolved, candidate)
    baseline = _find_baseline(project, resolved, choice, candidate, history)
    start = _find_start(choice, candidate, history, project.record_time)
    start += settings.warm_up_seconds
    arms = JudgedArms(
        model=resolved,
        stages=tuple(dict.fromkeys((choice.stage, *_list_named_stages(project, choice)))),
        candidate=candidate,
        baseline=None if baseline is None else baseline.version,
        start=start,
        end=start + settings.window_seconds,
    )
    holder = project.registry.find_holder(resolved, choice.stage)
    return ChosenArms(
        arms=arms,
        is_in_use=holder is not None and holder.version == candidate,
        record=record,
        digest=digest,
        baseline=baseline,
    )


def _find_candidate(project: Project, model: str, choice: ArmChoice) -> str:
    if choice.candidate is not None:
        return _resolve(project, model, choice.candidate)
    holder = project.registry.find_holder(model, choice.stage)
    if holder is None:
        raise MlverError(
            f"no version of {model} holds {choice.stage}, so there is nothing to judge",
            hint=shell_command("mlver", "log", model, "--stage", choice.stage),
        )
    return holder.version


def _resolve(project: Project, model: str, ref: str) -> str:
    chosen = project.resolve_ref(ref, model)
    if chosen.model != model:
        raise UsageError(f"{ref} is a version of another model than {model}")
    return str(chosen.version)


def _find_baseline(
    project: Project,
    model: str,
    choice: ArmChoice,
    candidate: str,
    history: list[PromotionRecord],
) -> VersionReference | None:
    """Find the version to compare with: as named, else the last other one that held the stage."""
    if choice.baseline is not None:
        version = _resolve(project, model, choice.baseline)
        if version == candidate:
            raise UsageError(f"{version} would be compared with itself: name another --baseline")
    else:
        held = [record.version for record in history if record.version != candidate]
        if not held:
            return None
        version = held[-1]
    digest = project.registry.read_version_digest(model, version)
    if digest is None:
        raise MlverError(
            f"{model} {version}, to compare with, has no record",
            hint=shell_command("mlver", "list", model),
        )
    return VersionReference(version, digest)


def _list_named_stages(project: Project, choice: ArmChoice) -> list[str]:
    """List the stages that the two REFs name: events of these count as well."""
    known = project.registry.read_config().stages
    named: list[str] = []
    for ref in (choice.candidate, choice.baseline):
        selector = "" if ref is None else ref.partition("@")[2].partition("~")[0]
        if selector in known:
            named.append(selector)
    return named


def _find_start(choice: ArmChoice, candidate: str, history: list[PromotionRecord], now: str) -> int:
    if choice.since is not None:
        return count_seconds(parse_window(choice.since, "--since", now).start)
    moves = [record for record in history if record.version == candidate]
    if not moves or moves[-1].action == "retire":
        raise UsageError(
            f"{candidate} does not hold {choice.stage}: --since says when it began to serve",
            hint=shell_command("mlver", "judge", "MODEL", "--stage", choice.stage, "--since", "2h"),
        )
    return count_seconds(moves[-1].created)
