"""Counts the events of two versions as they come, and takes a look whenever it is time for one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mlver.policy.promotion_dates import format_seconds
from mlver.policy.verdict_rule import find_look_size
from mlver.project.judging.events import ArmCounter, CountedStep, JudgedArms, ServedEvent
from mlver.project.judging.pairing import RequestPairs
from mlver.project.judging.repeated import SeenEvents
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.verdict import MetricCount, VerdictLook

# What a margin cannot tell of a version that has all of the traffic.
_ALONE = "a `margin` compares versions that both answer, as in a rollout; `max` judges one alone"


@dataclass(slots=True)
class LookCounter:
    """Counts events in the order they came; `looks` are those that were taken so far.

    With `pairs`, only requests count that both versions answered.
    """

    settings: VerdictSettings
    arms: JudgedArms
    looks: list[VerdictLook] = field(default_factory=list)
    seen: SeenEvents = field(default_factory=SeenEvents)
    pairs: RequestPairs | None = None
    _candidate: ArmCounter = field(default_factory=ArmCounter)
    _baseline: ArmCounter = field(default_factory=ArmCounter)
    _both: dict[str, int] = field(default_factory=dict)

    def add(self, event: ServedEvent) -> None:
        """Count an event of either version that lies in the window, once; pass over any other."""
        if event.version not in (self.arms.candidate, self.arms.baseline):
            return
        if not self.arms.start <= event.time < self.arms.end or not self.seen.is_new(event.key):
            return
        if self.pairs is not None:
            other = self.pairs.match(event)
            if other is None:
                return
            self._add_pair(event, other)
        elif event.version == self.arms.candidate:
            self._candidate.add(event)
        else:
            self._baseline.add(event)
        self._take_look(event.time)

    def _add_pair(self, event: ServedEvent, other: ServedEvent) -> None:
        """Count two answers to one request, by the metrics of which both tell."""
        told = event.bad.keys() & other.bad.keys()
        for answer in (event, other):
            bad = {name: answer.bad[name] for name in told}
            arm = self._candidate if answer.version == self.arms.candidate else self._baseline
            arm.add(replace(answer, bad=bad))
        for name in told:
            self._both[name] = self._both.get(name, 0) + (event.bad[name] and other.bad[name])

    def add_step(self, step: CountedStep) -> None:
        """Count what came at one time."""
        self._candidate.add_step(self.arms.candidate, step)
        if self.arms.baseline is not None:
            self._baseline.add_step(self.arms.baseline, step)
        self._take_look(step.time)

    def _take_look(self, time: float) -> None:
        if self._least >= find_look_size(self.settings, len(self.looks) + 1):
            self.looks.append(self.describe(time))

    @property
    def _least(self) -> int:
        """How many events the arm has that has fewer."""
        if self.arms.baseline is None:
            return self._candidate.events
        return min(self._candidate.events, self._baseline.events)

    def describe(self, time: float) -> VerdictLook:
        """Describe what was counted by a time."""
        has_baseline = self.arms.baseline is not None
        metrics: dict[str, MetricCount] = {}
        for name in self.settings.metrics:
            theirs = self._baseline.count(name) if has_baseline else None
            both = None if self.pairs is None else self._both.get(name, 0)
            ours = self._candidate.count(name)
            metrics[name] = MetricCount(candidate=ours, baseline=theirs, both=both)
        return VerdictLook(
            at=format_seconds(int(time)),
            candidate=self._candidate.events,
            baseline=self._baseline.events if has_baseline else None,
            metrics=metrics,
        )

    def find_silence(self, now: float) -> str | None:
        """Say which arm answered nothing, or nothing lately; None where both did."""
        end = min(now, self.arms.end)
        named = [(f"{self.arms.candidate} (the candidate)", self._candidate)]
        if self.arms.baseline is not None:
            named.append((f"{self.arms.baseline} (the baseline)", self._baseline))
        for name, arm in named:
            if arm.last is None:
                what = "request that both versions answered"
                what = f"event of {name}" if self.pairs is None else what
                start, until = format_seconds(self.arms.start), format_seconds(int(end))
                reason = f"there is no {what} from {start} to {until}"
                is_alone = arm is self._baseline and self.pairs is None
                return f"{reason}: {_ALONE}" if is_alone else reason
            if arm.last < end - self.settings.fresh_seconds:
                return f"the last event of {name} is of {format_seconds(int(arm.last))}"
        return None
