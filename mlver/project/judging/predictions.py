"""Counts the events of logs of predictions for a verdict, in the order in which they come.

One that comes again, by `source`, `id` and version, is counted once: so many ids are remembered.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mlver.project.judging.counting import LookCounter
from mlver.project.judging.events import ServedEvent
from mlver.project.predictions.log import PredictionEvent
from mlver.records.sections.verdict import BadEventRule

_MILLISECONDS = 1000


def count_events(events: Iterable[PredictionEvent], counter: LookCounter) -> None:
    """Count the events of the stages that are judged, and those that name no stage."""
    rules = counter.settings.metrics
    for event in events:
        if event.stage is None or event.stage in counter.arms.stages:
            counter.add(_describe_event(event, rules))


def _describe_event(event: PredictionEvent, rules: Mapping[str, BadEventRule]) -> ServedEvent:
    bad: dict[str, bool] = {}
    for name, rule in rules.items():
        answer = _judge_event(event.data, rule)
        if answer is not None:
            bad[name] = answer
    return ServedEvent(
        version=event.version, time=event.time, bad=bad, key=event.key, request=event.request
    )


def _judge_event(data: Mapping[str, Any], rule: BadEventRule) -> bool | None:
    """Say whether an event is bad; None where it does not tell."""
    matcher = rule.matcher
    if matcher is not None:
        value = data.get(matcher.label)
        if not isinstance(value, str):
            return None
        return (value == matcher.value) != matcher.is_negated
    latency, limit = data.get("latency_ms"), rule.limit_seconds
    if isinstance(latency, bool) or not isinstance(latency, int | float) or limit is None:
        return None
    if not 0 <= latency < math.inf:
        return None
    return latency > limit * _MILLISECONDS
