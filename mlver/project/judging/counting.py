"""Counts the events of two versions as they come, and takes a look whenever it is time for one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlver.policy.promotion_dates import format_seconds
from mlver.policy.verdict_rule import find_look_size
from mlver.project.judging.repeated import SeenEvents
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.verdict import EventCount, MetricCount, VerdictLook


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedArms:
    """The version that is judged and the one that it is compared with, as a model's stages serve
    them. Events from `start` up to `end` count, in seconds since 1970.
    """

    model: str
    stages: tuple[str, ...]
    candidate: str
    baseline: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedEvent:
    """One answer of a version; `bad` says by metric whether it is bad, where it tells at all.

    `key` tells it from all others; None where nothing does.
    """

    version: str
    time: float
    bad: Mapping[str, bool]
    key: int | None = None


@dataclass(slots=True)
class CountedStep:
    """What came at one time, added up by version, and by metric there."""

    time: int
    events: dict[str, int] = field(default_factory=dict)
    told: dict[tuple[str, str], int] = field(default_factory=dict)
    bad: dict[tuple[str, str], int] = field(default_factory=dict)

    def add_events(self, version: str, events: int) -> None:
        self.events[version] = self.events.get(version, 0) + events

    def add_told(self, version: str, metric: str, told: int, bad: int) -> None:
        """Add events that tell whether they are bad by a metric, and those that are."""
        key = (version, metric)
        self.told[key] = self.told.get(key, 0) + told
        self.bad[key] = self.bad.get(key, 0) + bad


@dataclass(slots=True)
class _ArmCounter:
    events: int = 0
    last: float | None = None
    told: dict[str, int] = field(default_factory=dict)
    bad: dict[str, int] = field(default_factory=dict)

    def add(self, event: ServedEvent) -> None:
        self.events += 1
        self.last = event.time if self.last is None else max(self.last, event.time)
        for name, is_bad in event.bad.items():
            self.told[name] = self.told.get(name, 0) + 1
            self.bad[name] = self.bad.get(name, 0) + is_bad

    def add_step(self, version: str, step: CountedStep) -> None:
        events = step.events.get(version, 0)
        self.events += events
        if events:
            self.last = step.time
        for (counted, name), told in step.told.items():
            if counted == version:
                self.told[name] = self.told.get(name, 0) + told
                self.bad[name] = self.bad.get(name, 0) + step.bad[counted, name]

    def count(self, name: str) -> EventCount:
        # What a server scraped of two counters may be of two moments.
        told = self.told.get(name, 0)
        return EventCount(min(max(self.bad.get(name, 0), 0), told), told)


@dataclass(slots=True)
class LookCounter:
    """Counts events in the order they came; `looks` are those that were taken so far."""

    settings: VerdictSettings
    arms: JudgedArms
    looks: list[VerdictLook] = field(default_factory=list)
    seen: SeenEvents = field(default_factory=SeenEvents)
    _candidate: _ArmCounter = field(default_factory=_ArmCounter)
    _baseline: _ArmCounter = field(default_factory=_ArmCounter)

    def add(self, event: ServedEvent) -> None:
        """Count an event of either version that lies in the window, once; pass over any other."""
        if event.version not in (self.arms.candidate, self.arms.baseline):
            return
        if not self.arms.start <= event.time < self.arms.end or not self.seen.is_new(event.key):
            return
        if event.version == self.arms.candidate:
            self._candidate.add(event)
        else:
            self._baseline.add(event)
        self._take_look(event.time)

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
            metrics[name] = MetricCount(candidate=self._candidate.count(name), baseline=theirs)
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
                return f"there is no event of {name}"
            if arm.last < end - self.settings.fresh_seconds:
                return f"the last event of {name} is of {format_seconds(int(arm.last))}"
        return None
