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
from mlver.project.rollouts.open_rollouts import find_open_rollout
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.rollout import RolloutRecord
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.version import VersionRecord

_PERCENT = 100
# Records keep no smaller part of the traffic, and no larger one than what this leaves.
_LEAST_SHARE = 0.0001


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmChoice:
    """What the command line says of the two versions, and of when counting begins.

    `is_compared`: it asks for something that takes two versions, such as their shares.
    """

    stage: str
    candidate: str | None = None
    baseline: str | None = None
    since: str | None = None
    is_compared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenArms:
    """The two versions with their records, and what is counted of them.

    The version that is judged `is_in_use` where it holds the stage, or an open rollout gives it a
    share: then `share` is the planned part of the traffic, None where requests are not what it is
    counted by, and `is_shadow` says that it answers the requests of the other one.
    """

    arms: JudgedArms
    is_in_use: bool
    record: VersionRecord
    digest: Digest
    baseline: VersionReference | None
    share: float | None = None
    is_shadow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _StageTraffic:
    """What a stage serves by its records: the promotions, oldest first, and an open rollout."""

    history: list[PromotionRecord]
    holder: str | None
    rollout: RolloutRecord | None

    def find_rollout(self, candidate: str) -> RolloutRecord | None:
        """Find the open rollout of this version; None where it is another one's."""
        if self.rollout is None or self.rollout.version != candidate:
            return None
        return self.rollout


def choose_arms(
    project: Project, model: str | None, choice: ArmChoice, settings: VerdictSettings
) -> ChosenArms:
    """Choose the candidate and the baseline: as named, else those of the open rollout, else the
    stage's holder and the one before.

    Raise MlverError where nothing holds the stage, and UsageError where nobody can tell since when
    the candidate served.
    """
    resolved = project.resolve_model(model)
    read_rule(project, choice.stage)
    traffic = _read_traffic(project, resolved, choice.stage)
    candidate = _find_candidate(project, resolved, choice, traffic)
    record, digest = project.registry.read_version(resolved, candidate)
    baseline = None
    if _needs_baseline(settings, choice, traffic.find_rollout(candidate)):
        baseline = _find_baseline(project, resolved, choice, candidate, traffic)
    start = _find_start(choice, candidate, traffic, project.record_time)
    start += settings.warm_up_seconds
    arms = JudgedArms(
        model=resolved,
        stages=tuple(dict.fromkeys((choice.stage, *_list_named_stages(project, choice)))),
        candidate=candidate,
        baseline=None if baseline is None else baseline.version,
        start=start,
        end=start + settings.window_seconds,
    )
    rollout = traffic.find_rollout(candidate)
    return ChosenArms(
        arms=arms,
        is_in_use=rollout is not None or traffic.holder == candidate,
        record=record,
        digest=digest,
        baseline=baseline,
        share=_find_share(rollout),
        is_shadow=rollout is not None and rollout.strategy == "shadow",
    )


def _read_traffic(project: Project, model: str, stage: str) -> _StageTraffic:
    history = [record for record, _ in project.registry.read_history(model, stage)]
    holder = project.registry.find_holder(model, stage)
    return _StageTraffic(
        history=history,
        holder=None if holder is None else holder.version,
        rollout=find_open_rollout(project.registry, model, stage),
    )


def _find_share(rollout: RolloutRecord | None) -> float | None:
    """Find the planned part of the requests; one of users, who differ, is another part of these."""
    if rollout is None or rollout.strategy != "canary":
        return None
    share = rollout.share / _PERCENT
    return share if _LEAST_SHARE <= share <= 1 - _LEAST_SHARE else None


def _find_candidate(project: Project, model: str, choice: ArmChoice, traffic: _StageTraffic) -> str:
    if choice.candidate is not None:
        return _resolve(project, model, choice.candidate)
    if traffic.rollout is not None:
        return traffic.rollout.version
    if traffic.holder is None:
        raise MlverError(
            f"no version of {model} holds {choice.stage}, so there is nothing to judge",
            hint=shell_command("mlver", "log", model, "--stage", choice.stage),
        )
    return traffic.holder


def _resolve(project: Project, model: str, ref: str) -> str:
    chosen = project.resolve_ref(ref, model)
    if chosen.model != model:
        raise UsageError(f"{ref} is a version of another model than {model}")
    return str(chosen.version)


def _needs_baseline(
    settings: VerdictSettings, choice: ArmChoice, rollout: RolloutRecord | None
) -> bool:
    """Say whether another version has to answer, too: a holder alone is judged by `max` alone.

    Beside a version that has all of the traffic nothing answers, and who waited for that would
    never know. A rollout has both, and its share is checked.
    """
    has_margin = any(rule.margin is not None for rule in settings.metrics.values())
    is_compared = choice.is_compared or choice.baseline is not None or rollout is not None
    return has_margin or is_compared


def _find_baseline(
    project: Project,
    model: str,
    choice: ArmChoice,
    candidate: str,
    traffic: _StageTraffic,
) -> VersionReference | None:
    """Find the version to compare with: as named, else the one that the rollout takes traffic from,
    else the last other one that held the stage.
    """
    rollout = traffic.find_rollout(candidate)
    if choice.baseline is not None:
        version = _resolve(project, model, choice.baseline)
        if version == candidate:
            raise UsageError(f"{version} would be compared with itself: name another --baseline")
    elif rollout is not None:
        return rollout.baseline
    else:
        held = [record.version for record in traffic.history if record.version != candidate]
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


def _find_start(choice: ArmChoice, candidate: str, traffic: _StageTraffic, now: str) -> int:
    if choice.since is not None:
        return count_seconds(parse_window(choice.since, "--since", now).start)
    rollout = traffic.find_rollout(candidate)
    if rollout is not None:
        # Each step of a rollout is another split of the traffic.
        return count_seconds(rollout.created)
    moves = [record for record in traffic.history if record.version == candidate]
    if not moves or moves[-1].action == "retire":
        raise UsageError(
            f"{candidate} does not hold {choice.stage}: --since says when it began to serve",
            hint=shell_command("mlver", "judge", "MODEL", "--stage", choice.stage, "--since", "2h"),
        )
    return count_seconds(moves[-1].created)
