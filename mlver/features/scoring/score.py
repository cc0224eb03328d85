"""`mlver score`: how good the answers of each version were, now that the truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlver.features.scoring.joining import AnswerJoin, JoinableEvent, joining_answers
from mlver.features.scoring.known import FEEDBACK, TRUTH, find_request, list_rows, open_known
from mlver.features.scoring.measuring import ChosenScale, choose_scale, measure_answers
from mlver.features.scoring.recording import MeasuredAnswers, record_answers
from mlver.features.scoring.request import (
    HINT,
    KnownTotals,
    ScoredVersion,
    ScoreRequest,
    ScoreResult,
)
from mlver.policy.promotion_dates import count_seconds, format_seconds
from mlver.policy.time_windows import parse_window
from mlver.project.edit.edit import require_branch
from mlver.project.edit.protected import refuse_protected
from mlver.project.predictions.files import combine_digests, find_logs, name_files
from mlver.project.predictions.log import PredictionLog
from mlver.project.predictions.truth import TruthFile
from mlver.project.project import Project
from mlver.records.evaluation import ServedData, ServingWindow

SERVED = "served"
_DIGITS = 6


def score_model(project: Project, model: str | None, request: ScoreRequest) -> ScoreResult:
    """Join the answers of a model with what is known of them, and record each version's scores.

    Raise MlverError for a line that is none. A version of too few of whose answers anything is
    known is inconclusive, and nothing of it is recorded.
    """
    if not request.dry_run:
        refuse_protected(project)
        require_branch(project.repository, "")
    resolved = project.resolve_model(model)
    logs = find_logs(project.start, request.predictions, HINT)
    names = (TRUTH, request.truth) if request.truth else (FEEDBACK, request.feedback)
    files = open_known(project, *names, on=request.on, column=request.column)
    with joining_answers() as join:
        join.add_predictions(_list_events(project, resolved, logs, request))
        totals = join.add_known(list_rows(files))
        scale = choose_scale(join, request)
        named = name_files(request.predictions)
        scoring = _Scoring(
            project,
            resolved,
            request,
            join,
            scale,
            served=ServedData(served=named, digest=combine_digests(logs)),
            known=_describe_known(files, request),
        )
        versions = tuple(scoring.score_version(version) for version in scoring.rank_versions())
        return _build_result(scoring, totals, versions)


def _list_events(
    project: Project, model: str, logs: Sequence[PredictionLog], request: ScoreRequest
) -> Iterator[JoinableEvent]:
    """List the events that count."""
    start = float("-inf")
    if request.since is not None:
        start = count_seconds(parse_window(request.since, "--since", project.record_time).start)
    for log in logs:
        for event in log.read_events(model):
            if event.time < start or request.stage not in (None, event.stage):
                continue
            yield JoinableEvent(event, find_request(event, request.on))


def _describe_known(files: Sequence[TruthFile], request: ScoreRequest) -> Mapping[str, Any]:
    """Describe what is known for a record, in which what was served stands for the data."""
    kind = TRUTH if request.truth else FEEDBACK
    named = name_files(request.truth or request.feedback)
    return {kind: {"file": named, "digest": str(combine_digests(files))}}


@dataclass(frozen=True, slots=True)
class _Scoring:
    """The scoring of one model; `served` and `known` are what was read."""

    project: Project
    model: str
    request: ScoreRequest
    join: AnswerJoin
    scale: ChosenScale
    served: ServedData
    known: Mapping[str, Any]

    @property
    def window(self) -> ServingWindow | None:
        logged = self.join.logged
        if logged.first is None or logged.last is None:
            return None
        # A window ends after what it holds.
        end = int(logged.last) + 1
        return ServingWindow(start=format_seconds(int(logged.first)), end=format_seconds(end))

    def rank_versions(self) -> list[str]:
        """List the versions that the log names: those that are registered here first, by number."""
        known = [str(number) for number in self.project.registry.list_versions(self.model)]
        named = [version for version in known if version in self.join.versions]
        return named + sorted(set(self.join.versions) - set(named))

    def score_version(self, version: str) -> ScoredVersion:
        """Score a version, and record that where enough is known."""
        now = count_seconds(self.project.record_time)
        answers = self.join.count_answers(version)
        measured = measure_answers(self.join, version, self.scale, self.request.late)
        median = self.join.find_median_known(version)
        scored = ScoredVersion(
            version=version,
            outcome="planned" if self.request.dry_run else "scored",
            answers=answers,
            joined=measured.count,
            coverage=round(measured.count / answers, _DIGITS),
            label_age=None if median is None else max(0.0, round(now - median, 3)),
            late=measured.late,
            early=measured.early,
            metrics=measured.metrics,
        )
        if version not in map(str, self.project.registry.list_versions(self.model)):
            return replace(scored, outcome="unknown", reason="it is not registered here")
        reason = self._find_doubt(scored)
        if reason is not None:
            return replace(scored, outcome="inconclusive", reason=reason)
        return scored if self.request.dry_run else self._record(scored)

    def _find_doubt(self, scored: ScoredVersion) -> str | None:
        least = self.request.least_coverage
        if not scored.joined:
            return "nothing is known of its answers"
        if scored.joined < least * scored.answers:
            return f"something is known of {scored.coverage:.1%} of its answers, not of {least:.1%}"
        if not scored.metrics:
            return "what is known of its answers gives no finite number"
        return None

    def _record(self, scored: ScoredVersion) -> ScoredVersion:
        measured = MeasuredAnswers(
            model=self.model,
            version=scored.version,
            data={SERVED: self.served},
            known=self.known,
            metrics=self.scale.nest_metrics(scored.metrics),
            count=scored.joined,
            coverage=scored.coverage,
            label_age=scored.label_age,
            window=self.window,
            average=self.scale.average,
        )
        recorded = record_answers(self.project, measured, self.request.message)
        return replace(
            scored, sequence=recorded.sequence, path=recorded.path, commit=recorded.commit
        )


def _build_result(
    scoring: _Scoring, totals: KnownTotals, versions: tuple[ScoredVersion, ...]
) -> ScoreResult:
    request, join = scoring.request, scoring.join
    return ScoreResult(
        model=scoring.model,
        stage=request.stage,
        kind=scoring.scale.kind,
        average=scoring.scale.average,
        window=scoring.window,
        predictions=name_files(request.predictions),
        known=name_files(request.truth or request.feedback),
        repeated=join.logged.repeated,
        open=join.logged.open,
        totals=totals,
        least=request.least_coverage,
        versions=versions,
        dry_run=request.dry_run,
    )
