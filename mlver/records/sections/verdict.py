"""The section `verdict`: by which events versions in use are judged, and how sure it has to be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlver.records.durations import read_duration, read_seconds
from mlver.records.values import Document, drop_empty_values

OnTimeout = Literal["hold", "rollback"]
_MATCHER = re.compile(r'([A-Za-z_][A-Za-z0-9_]*)(!?=)"([^"]*)"')


@dataclass(frozen=True, slots=True)
class LabelMatcher:
    """A label that has this value, or with `is_negated` any other."""

    label: str
    value: str
    is_negated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BadEventRule:
    """Which events are bad, and how many of them are too many.

    An event is bad by a label (`bad`: `outcome="error"`), or where its answer took longer (`over`:
    `0.25s`). The candidate's share of them may lie by `margin` above the baseline's, and be `max`.
    """

    bad: str | None = None
    over: str | None = None
    margin: float | None = None
    max: float | None = None

    @property
    def matcher(self) -> LabelMatcher | None:
        """What `bad` asks for; the schema lets nothing else through."""
        if self.bad is None:
            return None
        matched = _MATCHER.fullmatch(self.bad)
        if matched is None:
            raise ValueError(f"{self.bad!r} names no label with its value")
        return LabelMatcher(matched[1], matched[3], matched[2] == "!=")

    @property
    def limit_seconds(self) -> float | None:
        """How long an answer may take; None where that makes no event bad."""
        seconds = read_seconds(self.over)
        return None if seconds is None else float(seconds)

    def to_document(self) -> Document:
        return drop_empty_values(bad=self.bad, over=self.over, margin=self.margin, max=self.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictSettings:
    """What `judge` decides by.

    `min` is the least number of events of each arm, and `alpha` the chance of a wrong answer that
    is spent over all looks and shared by all limits. `window` is when an undecided verdict ends
    (`for`), and `fresh` how old the last event may be. Events of the time `warm_up` do not count,
    when a version has just begun to serve. `on_timeout` is what follows where nothing was decided
    by the end.
    """

    metrics: Mapping[str, BadEventRule] = field(default_factory=dict)
    min: int = 100
    alpha: float = 0.05
    window: str = "2h"
    fresh: str = "10m"
    warm_up: str | None = None
    on_timeout: OnTimeout = "hold"

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> VerdictSettings:
        fields = dict(document)
        metrics = {name: BadEventRule(**rule) for name, rule in fields.pop("metrics", {}).items()}
        if "for" in fields:
            fields["window"] = fields.pop("for")
        return cls(**{**fields, "metrics": metrics})

    def to_document(self) -> Document:
        """All of it, so that a record that keeps it says the same under other defaults.

        What came later is left out where it asks for nothing.
        """
        return {
            "metrics": {name: rule.to_document() for name, rule in self.metrics.items()},
            "min": self.min,
            "alpha": self.alpha,
            "for": self.window,
            "fresh": self.fresh,
            **drop_empty_values(
                warm_up=self.warm_up,
                on_timeout=None if self.on_timeout == "hold" else self.on_timeout,
            ),
        }

    @property
    def window_seconds(self) -> int:
        return _read_whole(self.window)

    @property
    def fresh_seconds(self) -> int:
        return _read_whole(self.fresh)

    @property
    def warm_up_seconds(self) -> int:
        return 0 if self.warm_up is None else _read_whole(self.warm_up)


def _read_whole(text: str) -> int:
    seconds = read_duration(text)
    if seconds is None:
        raise ValueError(f"{text!r} is no number of minutes, hours, days or weeks")
    return seconds
