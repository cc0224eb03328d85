"""Events of two versions, and how many of them were counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlver.records.verdict import EventCount


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

    `key` tells it from all others, and `request` names the request that it answers; None where
    nothing does.
    """

    version: str
    time: float
    bad: Mapping[str, bool]
    key: int | None = None
    request: str | None = None


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
class ArmCounter:
    """What was counted of one version."""

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
