"""The verdict record: what `judge` decided of a version in use (`schemas/verdict.schema.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlver.digest import Digest
from mlver.records import layout
from mlver.records.evaluation import ServingWindow
from mlver.records.promotion import Result
from mlver.records.references import (
    VersionReference,
    parse_digest,
    read_chained_fields,
    write_digest,
    write_reference,
)
from mlver.records.sections.verdict import VerdictSettings
from mlver.records.values import Document, drop_empty_values

VerdictLimit = Literal["margin", "max"]
VerdictAct = Literal["rollback"]


@dataclass(frozen=True, slots=True)
class EventCount:
    """So many of `events` were `bad`."""

    bad: int
    events: int

    @property
    def is_possible(self) -> bool:
        return 0 <= self.bad <= self.events

    @property
    def share(self) -> float:
        return self.bad / self.events

    @classmethod
    def from_document(cls, document: Mapping[str, Any] | None) -> EventCount | None:
        return None if document is None else cls(**document)

    def to_document(self) -> Document:
        return {"bad": self.bad, "events": self.events}


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricCount:
    """How many events of each arm are bad by one metric; `baseline` is None without one.

    `both` is how many requests both answered badly where both answered the same ones, else None.
    """

    candidate: EventCount
    baseline: EventCount | None
    both: int | None = None

    @property
    def is_possible(self) -> bool:
        """Whether so many can be counted; in pairs, both have the same number of events."""
        if self.baseline is None:
            return self.candidate.is_possible and self.both is None
        if not self.candidate.is_possible or not self.baseline.is_possible:
            return False
        if self.both is None:
            return True
        ours, theirs = self.candidate, self.baseline
        most = min(ours.bad, theirs.bad)
        return (
            ours.events == theirs.events
            and ours.bad + theirs.bad - ours.events <= self.both <= most
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> MetricCount:
        candidate = EventCount(**document["candidate"])
        baseline = EventCount.from_document(document["baseline"])
        return cls(candidate=candidate, baseline=baseline, both=document.get("both"))

    def to_document(self) -> Document:
        baseline = None if self.baseline is None else self.baseline.to_document()
        document: Document = {"candidate": self.candidate.to_document(), "baseline": baseline}
        return {**document, **drop_empty_values(both=self.both)}


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictLook:
    """What had been counted by a time: events of each arm, and of these by each metric."""

    at: str
    candidate: int
    baseline: int | None
    metrics: Mapping[str, MetricCount]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VerdictLook:
        metrics = document["metrics"].items()
        counts = {name: MetricCount.from_document(count) for name, count in metrics}
        return cls(**{**document, "metrics": counts})

    def to_document(self) -> Document:
        return {
            "at": self.at,
            "candidate": self.candidate,
            "baseline": self.baseline,
            "metrics": {name: count.to_document() for name, count in self.metrics.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitInterval:
    """What the last look said of one limit of a metric.

    The interval is of the candidate's share less the baseline's (`margin`), or of the candidate's
    alone (`max`).
    """

    metric: str
    limit: VerdictLimit
    answer: Result
    low: float
    high: float

    def to_document(self) -> Document:
        return {
            "metric": self.metric,
            "limit": self.limit,
            "answer": self.answer,
            "low": self.low,
            "high": self.high,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictSource:
    """Where events were counted: a file of predictions with its digest, or a server's answers."""

    predictions: str | None = None
    digest: Digest | None = None
    prometheus: str | None = None
    queries: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VerdictSource:
        fields = {**document, "digest": parse_digest(document.get("digest"))}
        return cls(**{**fields, "queries": tuple(document.get("queries", ()))})

    def to_document(self) -> Document:
        return drop_empty_values(
            predictions=self.predictions,
            digest=write_digest(self.digest),
            prometheus=self.prometheus,
            queries=list(self.queries),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord:
    """What was decided of `version`, whose record has the digest `record`, by the rule `rule`.

    `stages` are those that events were counted of. `share` is the candidate's planned share of the
    traffic, None where it was not checked. `act` is what follows from the time being over, None for
    any other verdict: a fail speaks for itself. `spent` is what the looks spent of the chance of a
    wrong answer. `prior` is the digest of the verdict before it, None for the first.
    """

    format: int = 1
    model: str
    stage: str
    sequence: int
    created: str
    author: str
    message: str
    version: str
    answer: Result
    act: VerdictAct | None = None
    reason: str
    baseline: VersionReference | None
    source: VerdictSource
    stages: tuple[str, ...]
    window: ServingWindow
    rule: int
    settings: VerdictSettings
    share: float | None = None
    spent: float
    looks: tuple[VerdictLook, ...]
    intervals: tuple[LimitInterval, ...]
    record: Digest
    prior: Digest | None

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VerdictRecord:
        fields = {
            **read_chained_fields(document),
            "baseline": VersionReference.from_document(document["baseline"]),
            "source": VerdictSource.from_document(document["source"]),
            "stages": tuple(document["stages"]),
            "window": ServingWindow.from_document(document["window"]),
            "settings": VerdictSettings.from_document(document["settings"]),
            "looks": tuple(map(VerdictLook.from_document, document["looks"])),
            "intervals": tuple(LimitInterval(**one) for one in document["intervals"]),
        }
        return cls(**fields)

    def to_document(self) -> Document:
        return {
            "schema": f"mlver/verdict/{self.format}",
            "model": self.model,
            "stage": self.stage,
            "sequence": self.sequence,
            "created": self.created,
            "author": self.author,
            "message": self.message,
            "version": self.version,
            "answer": self.answer,
            **drop_empty_values(act=self.act),
            "reason": self.reason,
            "baseline": write_reference(self.baseline),
            "source": self.source.to_document(),
            "stages": list(self.stages),
            "window": self.window.to_document(),
            "rule": self.rule,
            "settings": self.settings.to_document(),
            **drop_empty_values(share=self.share),
            "spent": self.spent,
            "looks": [look.to_document() for look in self.looks],
            "intervals": [one.to_document() for one in self.intervals],
            "record": str(self.record),
            "prior": write_digest(self.prior),
        }

    @property
    def record_path(self) -> str:
        """Where it lies, by what it says."""
        return layout.verdict_path(self.model, self.stage, self.sequence)
