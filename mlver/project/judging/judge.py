"""`mlver judge`: whether a version in use is good, by the events of its answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from mlver import names
from mlver.document import codec
from mlver.errors import MlverError, UsageError, shell_command
from mlver.policy.promotion_dates import count_seconds, format_seconds
from mlver.policy.verdict_rule import RULE, Judgement, find_look_size, judge_looks
from mlver.project.edit.edit import require_branch
from mlver.project.edit.protected import refuse_protected
from mlver.project.edit.record_date import require_later_date, require_possible_date
from mlver.project.judging.arms import ArmChoice, ChosenArms, choose_arms
from mlver.project.judging.counting import LookCounter
from mlver.project.judging.pairing import RequestPairs
from mlver.project.judging.repeated import SeenEvents
from mlver.project.judging.sources import EventSource, count_source
from mlver.project.project import Project
from mlver.project.registry.as_committed import require_as_committed
from mlver.project.registry.attached import VERDICTS, find_last_link
from mlver.project.transaction import editing
from mlver.records import layout
from mlver.records.evaluation import ServingWindow
from mlver.records.promotion import Result
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.verdict import (
    LimitInterval,
    VerdictAct,
    VerdictLook,
    VerdictRecord,
    VerdictSource,
)

_EXIT_CODES: dict[Result, int] = {"pass": 0, "fail": 1, "inconclusive": 4}
_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeRequest:
    """What is judged, by which events; `share` is the candidate's planned traffic in percent.

    With `paired`, only requests count that both versions answered, as a shadow does. A plan can do
    without events.
    """

    arms: ArmChoice
    source: EventSource = field(default_factory=EventSource)
    share: float | None = None
    paired: bool = False
    message: str = ""
    dry_run: bool = False
    is_plan: bool = False

    def __post_init__(self) -> None:
        if not self.source.is_named and not self.is_plan:
            raise UsageError(
                "judge counts the events of logs, or those that a server counted: name one of them",
                hint=shell_command(
                    "mlver", "judge", "--stage", self.arms.stage, "--predictions", "FILE"
                ),
            )
        if self.share is not None and not 0 < self.share < _PERCENT:
            raise UsageError("--share is a part of the traffic: more than 0 % and less than 100 %")
        if self.paired and self.source.prometheus is not None:
            raise UsageError("--paired goes by ids of requests, which Prometheus does not know")
        if self.paired and self.share is not None:
            raise UsageError("--paired looks at requests that both answered: there is no --share")

    @property
    def planned(self) -> float | None:
        return None if self.share is None else self.share / _PERCENT


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeResult:
    """What was decided of `version`, compared with `baseline`, and why.

    `counted` is all that was counted, `looks` how many looks were taken, `judged` what the last of
    them saw, by which `intervals` are, and `next_look` how many events of each version the next one
    takes. `deadline`: the time to decide is over. `act` is what follows, and `next` the command for
    it where the version is in use. `sequence` is
    the number of the record that keeps it, None where nothing is recorded. `repeated` events came
    again and count once; `forgotten` ones would not have been noticed.
    """

    model: str
    stage: str
    version: str
    baseline: str | None
    answer: Result
    act: VerdictAct | None
    next: str | None
    reason: str
    window: ServingWindow
    deadline: bool
    looks: int
    judged: VerdictLook | None
    next_look: int
    spent: float
    counted: VerdictLook
    intervals: tuple[LimitInterval, ...]
    repeated: int
    forgotten: int
    sequence: int | None = None
    path: str | None = None
    commit: str | None = None
    dry_run: bool = False

    @property
    def exit_code(self) -> int:
        return _EXIT_CODES[self.answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decision:
    """What is to be recorded, as far as anything is."""

    chosen: ChosenArms
    settings: VerdictSettings
    source: VerdictSource
    judged: Judgement
    looks: tuple[VerdictLook, ...]
    counted: VerdictLook
    seen: SeenEvents
    is_over: bool

    @property
    def act(self) -> VerdictAct | None:
        """What follows from it: a version that fails goes, and one that nobody was sure of in time
        where the settings say so.
        """
        return "rollback" if self.judged.answer == "fail" else self.act_on_timeout

    @property
    def act_on_timeout(self) -> VerdictAct | None:
        is_undecided = self.is_over and self.judged.answer == "inconclusive"
        return "rollback" if is_undecided and self.settings.on_timeout == "rollback" else None

    @property
    def is_kept(self) -> bool:
        """Only an answer is recorded, and that there was none in time."""
        return self.judged.answer != "inconclusive" or self.is_over


def judge_stage(project: Project, model: str | None, request: JudgeRequest) -> JudgeResult:
    """Judge a version in use, and record what was decided: one file, one commit.

    Raise MlverError where the settings say nothing of verdicts, and where events cannot be read.
    """
    names.check_text(request.message, "the message")
    settings = read_settings(project)
    chosen = choose_arms(project, model, request.arms, settings)
    request = complete_request(request, chosen)
    counter = build_counter(settings, chosen, request)
    source, fault = count_source(project, counter, request.source)
    decision = _decide(project, chosen, counter, source, fault, request)
    sequence, commit = None, None
    if decision.is_kept and not request.dry_run:
        sequence, commit = _record(project, decision, request)
    return _build_result(decision, request, sequence, commit)


def complete_request(request: JudgeRequest, chosen: ChosenArms) -> JudgeRequest:
    """Complete what was asked by what the open rollout says of the traffic."""
    is_paired = request.paired or (chosen.is_shadow and bool(request.source.predictions))
    if is_paired:
        return replace(request, paired=True)
    if request.share is None and chosen.share is not None:
        return replace(request, share=chosen.share * _PERCENT)
    return request


def build_counter(
    settings: VerdictSettings, chosen: ChosenArms, request: JudgeRequest
) -> LookCounter:
    """Build what counts; raise UsageError for pairs where one version is judged alone."""
    if not request.paired:
        return LookCounter(settings, chosen.arms)
    if chosen.baseline is None:
        raise UsageError("--paired compares two versions, and there is no other one: --baseline")
    return LookCounter(settings, chosen.arms, pairs=RequestPairs())


def read_settings(project: Project) -> VerdictSettings:
    """Read what verdicts are decided by; raise MlverError where the settings do not say."""
    settings = project.registry.read_config().verdict
    if not settings.metrics:
        metric = '{"bad": "outcome=\\"error\\"", "margin": 0.01}'
        words = ("mlver", "config", "set", "verdict.metrics.errors", metric)
        raise MlverError(
            "the settings do not say which events are bad: `verdict.metrics` names none",
            hint=shell_command(*words),
        )
    return settings


def _decide(
    project: Project,
    chosen: ChosenArms,
    counter: LookCounter,
    source: VerdictSource,
    fault: str | None,
    request: JudgeRequest,
) -> _Decision:
    now = count_seconds(project.record_time)
    judged = judge_looks(counter.settings, counter.looks, request.planned)
    silence = counter.find_silence(now)
    if fault is not None:
        judged = _replace_answer(judged, fault)
    elif silence is not None and judged.answer != "fail":
        # Whoever answers nothing any more was not seen to be good.
        judged = _replace_answer(judged, silence)
    elif judged.answer == "inconclusive" and not counter.looks:
        judged = _replace_answer(judged, "there are too few events for the first look")
    is_over = now >= chosen.arms.end
    if is_over and judged.answer == "inconclusive":
        judged = _replace_answer(judged, f"the time to decide is over: {judged.reason}")
    return _Decision(
        chosen=chosen,
        settings=counter.settings,
        source=source,
        judged=judged,
        looks=tuple(counter.looks[: judged.looks]),
        counted=counter.describe(min(now, chosen.arms.end)),
        seen=counter.seen,
        is_over=is_over,
    )


def _replace_answer(judged: Judgement, reason: str) -> Judgement:
    return Judgement(
        answer="inconclusive",
        reason=reason,
        looks=judged.looks,
        spent=judged.spent,
        intervals=judged.intervals,
    )


def _record(project: Project, decision: _Decision, request: JudgeRequest) -> tuple[int, str | None]:
    """Record a verdict; return its number and its commit. One that is recorded already stays."""
    refuse_protected(project)
    require_branch(project.repository, "")
    record = decision.chosen.record
    created = project.record_time
    require_possible_date(project, "verdict", created)
    require_later_date("verdict", created, record)
    stage = request.arms.stage
    with editing(project, f"judge {record.model} --stage {stage}") as edit:
        folder = layout.attached_folder("verdict", record.model, stage)
        require_as_committed(project.repository, project.registry, folder)
        sequence, prior = find_last_link(project.registry, folder)
        fields = _describe_record(decision, request)
        if sequence:
            last = VERDICTS.read(project.registry, record.model, stage, sequence)
            if all(getattr(last, name) == fields[name] for name in _DECIDING):
                return sequence, None
        verdict = VerdictRecord(
            **fields,
            sequence=sequence + 1,
            created=created,
            author=project.repository.author(),
            prior=prior,
        )
        data = codec.encode_document("verdict", verdict.to_document())
        edit.create_file(verdict.record_path, data)
        subject = f"mlver: verdict on {record.model} {record.version} in {stage}: {verdict.answer}"
        commit = edit.commit_files(f"{subject}\n\n{verdict.message}".strip())
    return verdict.sequence, commit


# Whoever decides the same by the same counts has decided nothing new.
_DECIDING = (
    *("version", "answer", "act", "baseline", "stages", "window", "rule", "settings", "share"),
    *("looks", "record"),
)


def _describe_record(decision: _Decision, request: JudgeRequest) -> dict[str, Any]:
    """Describe what was decided, in the fields of a record."""
    chosen, judged = decision.chosen, decision.judged
    return {
        "model": chosen.record.model,
        "stage": request.arms.stage,
        "message": request.message.strip(),
        "version": chosen.record.version,
        "answer": judged.answer,
        "act": decision.act_on_timeout,
        "reason": judged.reason,
        "baseline": chosen.baseline,
        "source": decision.source,
        "stages": chosen.arms.stages,
        "window": _describe_window(chosen),
        "rule": RULE,
        "settings": decision.settings,
        "share": request.planned,
        "spent": judged.spent,
        "looks": decision.looks,
        "intervals": judged.intervals,
        "record": chosen.digest,
    }


def _describe_window(chosen: ChosenArms) -> ServingWindow:
    start, end = format_seconds(chosen.arms.start), format_seconds(chosen.arms.end)
    return ServingWindow(start=start, end=end)


def _find_next(decision: _Decision, request: JudgeRequest, path: str | None) -> str | None:
    """Find what to type where the verdict asks for an act; None for a version not in use.

    The record of the verdict at `path` is the evidence, as it is for `mlver watch`: who comes
    second is told that it is done.
    """
    if decision.act is None or not decision.chosen.is_in_use:
        return None
    record = decision.chosen.record
    return shell_command(
        *("mlver", "rollback", record.model, "--stage", request.arms.stage),
        *("--if-holds", record.version),
        *(() if path is None else ("--because", path)),
        *("-m", "WHY"),
    )


def _build_result(
    decision: _Decision, request: JudgeRequest, sequence: int | None, commit: str | None
) -> JudgeResult:
    chosen, judged = decision.chosen, decision.judged
    path = None
    if sequence is not None:
        path = layout.verdict_path(chosen.record.model, request.arms.stage, sequence)
    return JudgeResult(
        model=chosen.record.model,
        stage=request.arms.stage,
        version=chosen.record.version,
        baseline=chosen.arms.baseline,
        answer=judged.answer,
        act=decision.act,
        next=_find_next(decision, request, path),
        reason=judged.reason,
        window=_describe_window(chosen),
        deadline=decision.is_over,
        looks=judged.looks,
        judged=decision.looks[-1] if decision.looks else None,
        next_look=find_look_size(decision.settings, judged.looks + 1),
        spent=judged.spent,
        counted=decision.counted,
        intervals=judged.intervals,
        repeated=decision.seen.repeated,
        forgotten=decision.seen.forgotten,
        sequence=sequence,
        path=path,
        commit=commit,
        dry_run=request.dry_run,
    )
