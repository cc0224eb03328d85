"""`mlver watch`: judge what is in use, roll back what is bad, publish and deploy; again and again.

All of it happens in one thread, in a clone of its own. The receiver only hands alerts over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from mlver.errors import MlverError, refusal_error, summarise_error
from mlver.features.watching.acting import RollbackReason, act_on, bring_bytes, find_way_back
from mlver.features.watching.deploying import deploy_target
from mlver.features.watching.events import TellEvent, WatchKind, WatchResult
from mlver.features.watching.inbox import Delivery, Inbox, WebhookAnswer
from mlver.features.watching.judging import find_bad_version
from mlver.features.watching.own_clone import follow_remote
from mlver.features.watching.rules import WatchRequest, list_watched
from mlver.policy.webhook import ReceivedAlerts, RollbackDemand
from mlver.project.project import Project
from mlver.project.stages.rollback_request import RollbackResult

_TRY_AGAIN, _FORBIDDEN, _DONE = 503, 403, 200
# A signal that comes just before a wait begins does not end it: so none is long.
_LONGEST_WAIT_S = 0.5
# The evidence has all names of alerts; a message for people, these.
_ALERTS_NAMED = 8


@dataclass(slots=True)
class StageWatcher:
    """Watches stages in the clone `clone`. `tell` is told each event.

    `answers` are what was told last of each stage, so that it is told once. `ways_back` are the
    versions whose bytes are here for a rollback. To the folders of the targets `deployed` somebody
    agreed, and to none that the settings name later. `failure` is the last one.
    """

    clone: Project
    request: WatchRequest
    tell: TellEvent
    inbox: Inbox = field(default_factory=Inbox)
    clock: Callable[[], float] = time.monotonic
    is_stopping: bool = False
    answers: dict[tuple[str, str], str] = field(default_factory=dict)
    ways_back: dict[tuple[str, str], str] = field(default_factory=dict)
    deployed: set[str] = field(default_factory=set)
    failure: MlverError | None = None

    def stop(self) -> None:
        """End the loop after what it does now; a signal handler may call this."""
        self.is_stopping = True
        self.inbox.wake()

    def run(self) -> None:
        """Look every so often, and answer alerts in between, until it is to stop."""
        due = self.clock()
        while not self.is_stopping:
            if self.clock() >= due:
                due = self.clock() + self.request.every
                self.look()
            delivery = self.inbox.take(min(due - self.clock(), _LONGEST_WAIT_S))
            if delivery is not None:
                self.receive(delivery)
        while (delivery := self.inbox.take(0)) is not None:
            delivery.answer(_TRY_AGAIN, "watch is ending")

    # -- one round ---------------------------------------------------------------------------------

    def look(self) -> None:
        """Take what others published, judge, roll back what is bad, and deploy."""
        try:
            with _naming_refusals():
                project = self._open_project()
                if follow_remote(project, publishes=not self.request.dry_run):
                    self._tell("published", "what was recorded here before is published now")
                watched = list(list_watched(project, self.request))
        except MlverError as error:
            self._tell_failure(error)
            return
        for model, stage in watched:
            # Neither an alert nor a signal waits until all of them are judged.
            self._receive_waiting()
            if self.is_stopping:
                break
            project = self._open_project()
            self._prepare(project, model, stage)
            if self.request.prometheus is not None or self.request.predictions is not None:
                self._judge(project, model, stage)
        self._deploy()

    def _deploy(self) -> None:
        """Deploy what the stages say; a target that fails is tried again in the next round."""
        for target in self.request.targets:
            try:
                agreed = self.request.confirmed and target not in self.deployed
                with _naming_refusals():
                    project = self._open_project()
                    says = deploy_target(project, target, self.request, agreed=agreed)
            except MlverError as error:
                self._tell_failure(error)
            else:
                self.deployed.add(target)
                if says is not None:
                    self._tell("deployed", says)

    def _prepare(self, project: Project, model: str, stage: str) -> None:
        """Bring what a rollback needs here, while nothing is urgent; say where there is no way."""
        before = self.ways_back.get((model, stage))
        try:
            with _naming_refusals():
                if project.registry.find_holder(model, stage) is None:
                    return
                way_back = find_way_back(project, model, stage)
        except MlverError as error:
            # The first version of a stage has none, and that is no fault.
            self.ways_back[model, stage] = error.message
            if before != error.message:
                says = summarise_error(error)
                self._tell("no way back", says, model=model, stage=stage, hints=error.hints)
            return
        try:
            if before != way_back:
                with _naming_refusals():
                    bring_bytes(project, model, way_back)
            self.ways_back[model, stage] = way_back
        except MlverError as error:
            self.ways_back[model, stage] = error.message
            if before != error.message:
                self._tell_failure(error, model=model, stage=stage)

    def _judge(self, project: Project, model: str, stage: str) -> None:
        try:
            with _naming_refusals():
                self._act_on_verdict(project, model, stage)
        except MlverError as error:
            if self._is_news(model, stage, error.message):
                self._tell_failure(error, model=model, stage=stage)

    def _act_on_verdict(self, project: Project, model: str, stage: str) -> None:
        found = find_bad_version(project, self.request, model, stage)
        if found is None:
            return
        if self._is_news(model, stage, f"{found.version} {found.answer}"):
            says = f"{found.answer}: {found.says}"
            self._tell("judged", says, model=model, stage=stage, version=found.version)
        if found.reason is not None:
            self._tell_result(act_on(project, found.reason, dry_run=self.request.dry_run))
        elif found.is_recorded:
            follow_remote(project)

    def _is_news(self, model: str, stage: str, answer: str) -> bool:
        """Say whether the answer is another one than in the round before, and remember it."""
        is_news = self.answers.get((model, stage)) != answer
        self.answers[model, stage] = answer
        return is_news

    # -- alerts ------------------------------------------------------------------------------------

    def _receive_waiting(self) -> None:
        while not self.is_stopping and (delivery := self.inbox.take(0)) is not None:
            self.receive(delivery)

    def receive(self, delivery: Delivery) -> None:
        """Act on alerts, answer them, and deploy what changed."""
        if delivery.reply.cancelled():
            # Nobody waits any more, and the alerts will come again.
            return
        try:
            answer = self._answer_alerts(delivery.alerts)
        except BaseException:
            delivery.answer(_TRY_AGAIN, "watch met a fault of its own")
            raise
        delivery.answer(*answer)
        if answer.status == _DONE and delivery.alerts.demands:
            self._deploy()

    def _answer_alerts(self, alerts: ReceivedAlerts) -> WebhookAnswer:
        """Act on what is demanded; the gravest answer of all counts, and says why."""
        answers: list[WebhookAnswer] = []
        for demand in alerts.demands:
            try:
                with _naming_refusals():
                    answers.append(self._act_on_demand(self._open_project(), demand))
            except MlverError as error:
                self._tell_failure(error, model=demand.model, status=_TRY_AGAIN)
                answers.append(WebhookAnswer(_TRY_AGAIN, summarise_error(error)))
        if alerts.truncated:
            says = f"{alerts.truncated:,} alerts of the group were not sent: set `max_alerts: 0`"
            self._tell("refused", says, status=_TRY_AGAIN)
            answers.append(WebhookAnswer(_TRY_AGAIN, says))
        if not answers:
            return WebhookAnswer(_DONE, "no alert that fires asks for a rollback")
        return max(answers, key=lambda answer: answer.status)

    def _act_on_demand(self, project: Project, demand: RollbackDemand) -> WebhookAnswer:
        """Roll back each watched stage that the version holds, and say so."""
        follow_remote(project, publishes=not self.request.dry_run)
        watched: list[str] = []
        for model, stage in list_watched(project, self.request):
            if model == demand.model:
                watched.append(stage)
        named = {"model": demand.model, "version": demand.version}
        if not watched:
            says = f"`auto_rollback` does not name {demand.model}, or nobody watches it here"
            self._tell("refused", says, **named, status=_FORBIDDEN)
            return WebhookAnswer(_FORBIDDEN, says)
        stages = watched
        if demand.stage in project.registry.read_config().stages:
            stages = [stage for stage in watched if stage == demand.stage]
        if not stages:
            says = f"{demand.stage} of {demand.model} is not watched here"
            self._tell("unchanged", says, **named, status=_DONE)
            return WebhookAnswer(_DONE, says)
        results = [self._roll_back(project, demand, stage) for stage in stages]
        return WebhookAnswer(_DONE, "; ".join(describe_result(result) for result in results))

    def _roll_back(self, project: Project, demand: RollbackDemand, stage: str) -> RollbackResult:
        reason = RollbackReason(
            model=demand.model,
            version=demand.version,
            stage=stage,
            message=f"watch: {_list_alerts(demand.names)}",
            evidence=demand.evidence,
            alerts=demand.group,
        )
        result = act_on(project, reason, dry_run=self.request.dry_run)
        self._tell_result(result, status=_DONE)
        return result

    # -- telling -----------------------------------------------------------------------------------

    def _open_project(self) -> Project:
        """Open the clone again: nothing that was read before counts."""
        # A commit may take all records away; then the next one that is fetched may bring them back.
        fresh = Project.find_from(self.clone.top_folder, self.clone.reporter)
        return replace(fresh, wait=self.clone.wait)

    def _tell(self, event: WatchKind, says: str, **fields: Any) -> None:
        self.tell(WatchResult(time=self.clone.record_time, event=event, says=says, **fields))

    def _tell_result(self, result: RollbackResult, status: int | None = None) -> None:
        self._tell(
            "rolled back" if result.changed else "unchanged",
            describe_result(result),
            model=result.model,
            stage=result.stage,
            version=result.withdrawn or result.previous,
            to=result.version,
            status=status,
        )

    def _tell_failure(self, error: MlverError, **fields: Any) -> None:
        self.failure = error
        self._tell("failed", summarise_error(error), hints=error.hints, **fields)


def _list_alerts(names: Sequence[str]) -> str:
    more = len(names) - _ALERTS_NAMED
    return ", ".join(names[:_ALERTS_NAMED]) + (f", and {more:,} more" if more > 0 else "")


@contextmanager
def _naming_refusals() -> Iterator[None]:
    """Raise MlverError for what the system refuses: it may not an hour later, so watch goes on."""
    try:
        yield
    except OSError as error:
        outcome = "watch goes on, and tries again"
        raise refusal_error("watching", error, outcome=outcome) from error


def describe_result(result: RollbackResult) -> str:
    """Say in a sentence what became of a stage."""
    if not result.changed:
        return f"nothing changed: {result.reason}"
    if result.withdrawn is not None and result.version == result.previous:
        would = "would lose" if result.dry_run else "lost"
        return f"{result.model} {result.withdrawn} {would} its share of {result.stage}"
    would = "would go" if result.dry_run else "went"
    return f"{result.stage} {would} from {result.model} {result.previous} back to {result.version}"
