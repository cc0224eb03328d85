"""Counts events from a Prometheus server, by its HTTP API.

Raw counters are read at fixed steps of the window, so that everybody takes the same looks: `rate`
and `increase` extrapolate, and give no whole events. A counter that fell was started again. A
series that was not there when the window began counts from 0.

`mlver_predictions_total` has the labels `model`, `version`, `stage` and `outcome`, and
`mlver_prediction_seconds_bucket` has `le` in place of the last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from mlver.project.judging.asking import CounterSeries, PrometheusServer
from mlver.project.judging.counting import LookCounter
from mlver.project.judging.events import CountedStep, JudgedArms
from mlver.records.sections.verdict import BadEventRule

_STEPS = 240
_LEAST_STEP_S = 15
_INFINITE = "+Inf"


def list_queries(arms: JudgedArms, rules: Mapping[str, BadEventRule]) -> tuple[str, ...]:
    """List what is asked: all events, and those of each limit of time."""
    queries = [f"mlver_predictions_total{{{_select(arms)}}}"]
    for rule in rules.values():
        if rule.limit_seconds is not None:
            queries.append(_query_bucket(arms, rule.limit_seconds))
    return tuple(dict.fromkeys(queries))


def _select(arms: JudgedArms) -> str:
    versions = [arms.candidate] if arms.baseline is None else [arms.candidate, arms.baseline]
    return (
        f'model="{arms.model}",stage=~"{_match_any(arms.stages)}",version=~"{_match_any(versions)}"'
    )


def _query_bucket(arms: JudgedArms, limit: float) -> str:
    bounds = tuple(dict.fromkeys((f"{limit:g}", repr(limit), _INFINITE)))
    return f'mlver_prediction_seconds_bucket{{{_select(arms)},le=~"{_match_any(bounds)}"}}'


def _match_any(words: Sequence[str]) -> str:
    """Write a pattern of these words, as it stands between quotes in PromQL."""
    return "|".join(word.replace(".", "\\\\.").replace("+", "\\\\+") for word in words)


def count_server(server: PrometheusServer, counter: LookCounter, now: int) -> str | None:
    """Count what a server knows of the window up to now; say why its numbers tell nothing.

    Raise MlverError where it does not answer.
    """
    arms, rules = counter.arms, counter.settings.metrics
    step = _find_step(arms)
    times = [time for time in range(arms.start, arms.end + 1, step) if time <= now]
    if not times:
        return "the window has not begun"
    steps = [CountedStep(time=time) for time in times]
    (total, *buckets) = list_queries(arms, rules)
    faults = [_add_events(steps, server.ask_range(total, times, step), rules)]
    answers = {query: server.ask_range(query, times, step) for query in buckets}
    for name, rule in rules.items():
        if rule.limit_seconds is not None:
            series = answers[_query_bucket(arms, rule.limit_seconds)]
            faults.append(_add_times(steps, series, name, rule.limit_seconds))
    for counted in steps:
        counter.add_step(counted)
    return next((fault for fault in faults if fault is not None), None)


def _find_step(arms: JudgedArms) -> int:
    """Find how far apart counters are read; that depends on the window alone."""
    return max(_LEAST_STEP_S, math.ceil((arms.end - arms.start) / _STEPS))


def _add_events(
    steps: Sequence[CountedStep], found: Sequence[CounterSeries], rules: Mapping[str, BadEventRule]
) -> str | None:
    """Add all events, and by the metrics that go by a label those that are bad."""
    for series in found:
        version = series.labels.get("version", "")
        for step, events in _list_increases(steps, series):
            if events is None:
                return "the server counted something that is no number of events"
            step.add_events(version, events)
            for name, rule in rules.items():
                matcher = rule.matcher
                if matcher is None or matcher.label not in series.labels:
                    continue
                is_equal = series.labels[matcher.label] == matcher.value
                is_bad = is_equal != matcher.is_negated
                step.add_told(version, name, events, events if is_bad else 0)
    return None


def _add_times(
    steps: Sequence[CountedStep], found: Sequence[CounterSeries], name: str, limit: float
) -> str | None:
    """Add the events of a metric that goes by time: all, less those within the limit."""
    bounds = {series.labels.get("le", "") for series in found}
    if found and not any(_is_bound(bound, limit) for bound in bounds):
        return f"the server has no bucket of {limit:g} s, which {name} asks for"
    for series in found:
        version, bound = series.labels.get("version", ""), series.labels.get("le", "")
        for step, events in _list_increases(steps, series):
            if events is None:
                return "the server counted something that is no number of events"
            if bound == _INFINITE:
                step.add_told(version, name, events, events)
            elif _is_bound(bound, limit):
                step.add_told(version, name, 0, -events)
    return None


def _is_bound(text: str, limit: float) -> bool:
    try:
        return float(text) == limit
    except ValueError:
        return False


def _list_increases(
    steps: Sequence[CountedStep], series: CounterSeries
) -> Iterator[tuple[CountedStep, int | None]]:
    """List by how much a counter grew at each step; None for what no counter says."""
    by_time = {step.time: step for step in steps}
    before: float | None = None
    for time, value in series.values:
        step = by_time.get(round(time))
        if step is None:
            continue
        if not math.isfinite(value) or not 0 <= value < 2**53:
            yield step, None
            return
        if before is None:
            grown = 0.0 if step is steps[0] else value
        else:
            grown = value if value < before else value - before
        before = value
        yield step, round(grown)
