"""Counts the events of a log of predictions for a verdict, in the order in which they stand there.

One that comes again, by `source`, `id` and version, is counted once: so many ids are remembered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlver.digest import Digest
from mlver.project.judging.counting import LookCounter, ServedEvent
from mlver.project.predictions.log import PredictionEvent, PredictionLog
from mlver.records.sections.verdict import BadEventRule

_MILLISECONDS = 1000


def count_predictions(path: Path, shown: str, counter: LookCounter) -> Digest:
    """Count the events of a file, called `shown`; return the digest of the bytes that were read.

    What follows the last newline is being written, and does not count. Raise MlverError for a file
    that cannot be read, and for a line that is no event.
    """
    log = PredictionLog(path, shown, "mlver judge --help")
    rules = counter.settings.metrics
    for event in log.read_events(counter.arms.model):
        if event.stage is None or event.stage in counter.arms.stages:
            counter.add(_describe_event(event, rules))
    return log.digest


def _describe_event(event: PredictionEvent, rules: Mapping[str, BadEventRule]) -> ServedEvent:
    bad: dict[str, bool] = {}
    for name, rule in rules.items():
        answer = _judge_event(event.data, rule)
        if answer is not None:
            bad[name] = answer
    return ServedEvent(version=event.version, time=event.time, bad=bad, key=event.key)


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
    if not math.isfinite(latency) or latency < 0:
        return None
    return latency > limit * _MILLISECONDS
