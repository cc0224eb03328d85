"""How often the alert that acts is raised of versions of which nobody should be alarmed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlver.policy.monitoring.subject import MonitoredStage
from mlver.policy.verdict_rule import judge_limit
from mlver.records.verdict import EventCount, MetricCount
from tests.policy.monitoring.watched import watch_stage

MARGIN = 0.01
# Two hours of evaluations each 15 s, which see the last ten minutes.
_EVALUATIONS, _SEEN, _RATIO = 480, 40, 9


class Alarms(NamedTuple):
    """The share of versions that an alarm was raised of, by the rule and by a bare threshold."""

    by_rule: float
    by_threshold: float


def simulate_alarms(share: float, events: int, *, runs: int, seed: int) -> Alarms:
    """Simulate versions of whose events this share is bad, beside 1 % of the others' events.

    So many events come between two evaluations, and nine times as many of the others.
    """
    section = {"metrics": {"errors": {"bad": 'outcome="error"', "margin": MARGIN}}}
    watched = watch_stage(section)
    chance = np.random.default_rng(seed)
    alarmed = exceeded = 0
    for _ in range(runs):
        ours = np.cumsum(chance.binomial(events, share, _EVALUATIONS))
        theirs = np.cumsum(chance.binomial(_RATIO * events, 0.01, _EVALUATIONS))
        suspects = list_suspects(ours, theirs, events)
        exceeded += bool(suspects)
        alarmed += any(is_alarming(watched, count) for count in suspects)
    return Alarms(alarmed / runs, exceeded / runs)


def list_suspects(
    ours: NDArray[np.int64], theirs: NDArray[np.int64], events: int
) -> list[MetricCount]:
    """List what was counted where the difference itself is above the margin."""
    suspects: list[MetricCount] = []
    for now in range(_EVALUATIONS):
        before = now - _SEEN
        seen = events * min(now + 1, _SEEN)
        if seen < 100:
            continue
        bad = int(ours[now] - (ours[before] if before >= 0 else 0))
        other = int(theirs[now] - (theirs[before] if before >= 0 else 0))
        candidate, baseline = EventCount(bad, seen), EventCount(other, _RATIO * seen)
        if candidate.share - baseline.share > MARGIN:
            suspects.append(MetricCount(candidate=candidate, baseline=baseline))
    return suspects


def is_alarming(watched: MonitoredStage, count: MetricCount) -> bool:
    return judge_limit("errors", count, "margin", MARGIN, watched.doubt).answer == "fail"


def test_equally_good_versions_seldom_raise_an_alarm() -> None:
    slow = simulate_alarms(0.01, 15, runs=400, seed=20260104)
    assert slow.by_rule <= 0.03
    assert slow.by_threshold >= 0.5
    assert simulate_alarms(0.01, 150, runs=200, seed=20260105).by_rule <= 0.01


def test_bad_versions_always_do() -> None:
    assert simulate_alarms(0.03, 15, runs=50, seed=20260106).by_rule == 1
