"""Counts of bad events as chance gives them, and verdicts on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from mlver.digest import Digest
from mlver.policy.verdict_rule import find_look_size, judge_looks
from mlver.records.evaluation import ServingWindow
from mlver.records.references import VersionReference
from mlver.records.sections.verdict import BadEventRule, VerdictSettings
from mlver.records.verdict import (
    EventCount,
    MetricCount,
    VerdictLook,
    VerdictRecord,
    VerdictSource,
)

ERRORS = 'outcome="error"'
TIME = "2026-11-21T03:04:05Z"


def make_settings(margin: float | None = 0.01, limit: float | None = None) -> VerdictSettings:
    rule = BadEventRule(bad=ERRORS, margin=margin, max=limit)
    return VerdictSettings(metrics={"errors": rule})


def make_look(candidate: tuple[int, int], baseline: tuple[int, int] | None) -> VerdictLook:
    """Make a look that counted so many bad events among all of each arm."""
    bad, events = candidate
    theirs = None if baseline is None else EventCount(*baseline)
    count = MetricCount(candidate=EventCount(bad, events), baseline=theirs)
    total = None if theirs is None else theirs.events
    return VerdictLook(at=TIME, candidate=events, baseline=total, metrics={"errors": count})


def draw_looks(
    chance: np.random.Generator, candidate: float, baseline: float, *, looks: int, ratio: int = 9
) -> Iterator[VerdictLook]:
    """Draw what looks count where events are bad by these chances, `ratio` times the traffic."""
    settings = make_settings()
    ours = theirs = before = 0
    for number in range(1, looks + 1):
        events = find_look_size(settings, number)
        ours += int(chance.binomial(events - before, candidate))
        theirs += int(chance.binomial(ratio * (events - before), baseline))
        before = events
        yield make_look((ours, events), (theirs, ratio * events))


def simulate_verdicts(
    candidate: float, baseline: float, margin: float, *, runs: int, seed: int
) -> dict[str, float]:
    """Simulate verdicts of at most eight looks; give the share of each answer."""
    chance = np.random.default_rng(seed)
    settings = make_settings(margin)
    answers: Counter[str] = Counter()
    for _ in range(runs):
        looks = list(draw_looks(chance, candidate, baseline, looks=8))
        answers[judge_looks(settings, looks).answer] += 1
    return {answer: answers[answer] / runs for answer in ("pass", "fail", "inconclusive")}


def simulate_threshold(candidate: float, limit: float, *, runs: int, seed: int) -> float:
    """Simulate a bare threshold on 50 events of the candidate; give the share that it passes."""
    bad = np.random.default_rng(seed).binomial(50, candidate, runs)
    return float(np.mean(bad / 50 <= limit))


DIGEST = Digest("ab" * 32)
GOOD = [
    make_look((100 * 2**look // 100, 100 * 2**look), (9 * 2**look, 900 * 2**look))
    for look in range(6)
]
BAD = [make_look((12, 100), (9, 900)), make_look((24, 200), (18, 1800))]


def make_record(looks: list[VerdictLook]) -> VerdictRecord:
    settings = make_settings()
    judged = judge_looks(settings, looks)
    return VerdictRecord(
        model="m",
        stage="production",
        sequence=1,
        created=TIME,
        author="Kim <kim@example.org>",
        message="",
        version="1.1.0",
        answer=judged.answer,
        reason=judged.reason,
        baseline=VersionReference("1.0.0", DIGEST),
        source=VerdictSource(predictions="log.jsonl", digest=DIGEST),
        stages=("production",),
        window=ServingWindow(start=TIME, end=TIME),
        rule=1,
        settings=settings,
        spent=judged.spent,
        looks=tuple(looks[: judged.looks]),
        intervals=judged.intervals,
        record=DIGEST,
        prior=None,
    )
