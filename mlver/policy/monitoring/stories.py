"""Tests of the rules, as `promtool test rules` runs them: what they say of versions of each kind.

What they have to say comes from the rule of verdicts, not from the expressions that are tested.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from mlver.policy.monitoring import rules
from mlver.policy.monitoring.subject import BUCKET, TOTAL, MonitoredStage
from mlver.policy.proportions import find_newcombe, find_wilson
from mlver.policy.verdict_rule import judge_limit, list_limits
from mlver.records.sections.verdict import BadEventRule
from mlver.records.values import Document
from mlver.records.verdict import EventCount, MetricCount

CANDIDATE, BASELINE = "1.1.0", "1.0.0"
# So many scrapes lie in a window, and so many before a test looks.
_STEPS, _LOOK = 10, 15
_ROUNDING = 1e-6
_ANSWERS = {"pass": -1, "fail": 1, "inconclusive": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What two versions answered in a window; `is_told` where it is enough for an answer."""

    name: str
    candidate: EventCount
    baseline: EventCount
    is_told: bool = True


def build_tests(watched: MonitoredStage, rules_file: str) -> Document:
    """Build the tests of the rules of a stage, which are in `rules_file`."""
    step = _find_step(watched)
    tests: list[Document] = []
    for metric, rule in watched.settings.metrics.items():
        for story in _list_stories(watched.settings.min):
            tests.append(_test_story(watched, metric, rule, story))
        tests.append(_test_silence(watched, metric))
        tests.append(_test_idleness(watched, metric, rule))
    tests.append(_test_silent_version(watched))
    for test in tests:
        test["interval"] = step
    return {"rule_files": [rules_file], "evaluation_interval": step, "tests": tests}


def _find_step(watched: MonitoredStage) -> str:
    return f"{watched.settings.fresh_seconds // _STEPS}s"


def _list_stories(least: int) -> Iterator[Story]:
    # A tenth of them still grows by whole events at each step.
    events = _STEPS**2 * math.ceil(least / _STEPS**2)
    good, bad = EventCount(0, 64 * events), EventCount(events, events)
    yield Story(name="no bad event", candidate=good, baseline=good)
    yield Story(name="nothing but bad events", candidate=bad, baseline=EventCount(0, events))
    some = EventCount(events // _STEPS, events)
    yield Story(name="some bad events", candidate=some, baseline=EventCount(0, 4 * events))
    more, fewer = EventCount(2 * _STEPS, events), EventCount(_STEPS, events)
    yield Story(name="more bad events by chance", candidate=more, baseline=fewer)
    yield Story(name="a baseline that is broken itself", candidate=bad, baseline=bad, is_told=False)
    few = EventCount(least // _STEPS // 2 * _STEPS, least // _STEPS // 2 * _STEPS)
    yield Story(name="too few events", candidate=few, baseline=few, is_told=False)


# -- one story -------------------------------------------------------------------------------------


def _test_story(watched: MonitoredStage, metric: str, rule: BadEventRule, story: Story) -> Document:
    series = [
        *_write_series(watched, rule, CANDIDATE, story.candidate),
        *_write_series(watched, rule, BASELINE, story.baseline),
    ]
    bad = _list_bad(watched, metric, story)
    return {
        "name": f"{metric}: {story.name}",
        "input_series": series,
        "promql_expr_test": list(_expect_values(watched, metric, story)),
        "alert_rule_test": [
            _expect_alerts(watched, rules.name_bad_alert(metric), list(bad)),
            _expect_alerts(watched, rules.name_silent_alert(metric), []),
        ],
    }


def _write_series(
    watched: MonitoredStage, rule: BadEventRule, version: str, count: EventCount
) -> Iterator[Document]:
    """Write counters that grow by so many events in each window."""
    good = count.events - count.bad
    if rule.limit_seconds is not None:
        for bound, events in ((f"{rule.limit_seconds:g}", good), ("+Inf", count.events)):
            yield _write_one(watched, BUCKET, version, f'le="{bound}"', events)
        return
    matcher = rule.matcher
    assert matcher is not None
    other = "other" if matcher.value != "other" else "another"
    named, unnamed = (good, count.bad) if matcher.is_negated else (count.bad, good)
    yield _write_one(watched, TOTAL, version, f'{matcher.label}="{matcher.value}"', named)
    yield _write_one(watched, TOTAL, version, f'{matcher.label}="{other}"', unnamed)


def _write_one(
    watched: MonitoredStage, counter: str, version: str, matcher: str, events: int
) -> Document:
    selected = watched.select(f'version="{version}"', matcher)
    return {"series": f"{counter}{selected}", "values": f"0+{events // _STEPS}x{2 * _LOOK}"}


def _expect_values(watched: MonitoredStage, metric: str, story: Story) -> Iterator[Document]:
    labels = f'model="{watched.model}",version="{CANDIDATE}",stage="{watched.stage}"'
    selected = watched.select(f'metric="{metric}"', f'version="{CANDIDATE}"')
    for name, value in _list_values(watched, metric, story).items():
        near = f"{_ROUNDING * (1 + abs(value)):.1e}"
        yield {
            "expr": f"abs({name}{selected} - {value!r}) <= bool {near}",
            "eval_time": _write_look(watched),
            "exp_samples": [{"labels": f'{{{labels},metric="{metric}"}}', "value": 1}],
        }
    for limit, answer in _list_answers(watched, metric, story).items():
        matchers = (f'metric="{metric}"', f'version="{CANDIDATE}"', f'limit="{limit}"')
        known = f'{rules.ANSWER}{{{labels},metric="{metric}",limit="{limit}"}}'
        yield {
            "expr": f"{rules.ANSWER}{watched.select(*matchers)}",
            "eval_time": _write_look(watched),
            "exp_samples": [] if answer is None else [{"labels": known, "value": answer}],
        }


def _write_look(watched: MonitoredStage) -> str:
    return f"{_LOOK * (watched.settings.fresh_seconds // _STEPS)}s"


def _list_values(watched: MonitoredStage, metric: str, story: Story) -> Mapping[str, float]:
    """List what is recorded of the candidate."""
    ours, theirs = story.candidate, story.baseline
    values: dict[str, float] = {rules.EVENTS: ours.events, rules.BAD: ours.bad}
    values |= {rules.OTHER_EVENTS: theirs.events, rules.OTHER_BAD: theirs.bad}
    if not ours.events or not theirs.events:
        return values
    values |= {rules.SHARE: ours.share, rules.OTHER_SHARE: theirs.share}
    values[rules.SHARE_LOW] = find_wilson(ours, watched.to_fail).low
    values[rules.SHARE_HIGH] = find_wilson(ours, watched.to_pass).high
    if watched.settings.metrics[metric].margin is not None:
        values[rules.OTHER_LOW] = find_wilson(theirs, watched.to_pass).low
        values[rules.OTHER_HIGH] = find_wilson(theirs, watched.to_fail).high
        values[rules.DIFFERENCE] = ours.share - theirs.share
        values[rules.DIFFERENCE_LOW] = find_newcombe(ours, theirs, watched.to_fail).low
        values[rules.DIFFERENCE_HIGH] = find_newcombe(ours, theirs, watched.to_pass).high
    return values


def _list_answers(watched: MonitoredStage, metric: str, story: Story) -> Mapping[str, int | None]:
    """List what the rule of verdicts says of each limit; None where it says nothing."""
    count = MetricCount(candidate=story.candidate, baseline=story.baseline)
    answers: dict[str, int | None] = {}
    for limit, allowed in list_limits(watched.settings, metric):
        answers[limit] = None
        if story.is_told:
            judged = judge_limit(metric, count, limit, allowed, watched.doubt)
            answers[limit] = _ANSWERS[judged.answer]
    return answers


def _list_bad(watched: MonitoredStage, metric: str, story: Story) -> Iterator[Document]:
    """List the alerts that have to act: each version is compared with the other."""
    swapped = replace(story, candidate=story.baseline, baseline=story.candidate)
    for version, told in ((CANDIDATE, story), (BASELINE, swapped)):
        for limit, answer in _list_answers(watched, metric, told).items():
            if answer == _ANSWERS["fail"]:
                share = f"{told.candidate.share:.4g}"
                yield _expect_bad(watched, metric, version, limit, float(share))


def _expect_bad(
    watched: MonitoredStage, metric: str, version: str, limit: str, share: float
) -> Document:
    labels = {
        "model": watched.model,
        "version": version,
        "stage": watched.stage,
        "metric": metric,
        "limit": limit,
        "severity": "critical",
        "mlver_action": "rollback",
    }
    summary = (
        f"{watched.model} {version} in {watched.stage}: {share * 100:.4g}% of its answers are bad"
        f" by {metric} ({limit})"
    )
    return {"exp_labels": labels, "exp_annotations": {"summary": summary}}


def _expect_alerts(watched: MonitoredStage, name: str, alerts: list[Document]) -> Document:
    return {"eval_time": _write_look(watched), "alertname": name, "exp_alerts": alerts}


# -- silence ---------------------------------------------------------------------------------------


def _test_silence(watched: MonitoredStage, metric: str) -> Document:
    """Without any series, one alert says so, and none acts."""
    return {
        "name": f"{metric}: nothing is counted",
        "input_series": [],
        "alert_rule_test": list(_expect_silence(watched, metric)),
    }


def _test_idleness(watched: MonitoredStage, metric: str, rule: BadEventRule) -> Document:
    """Counters that do not grow are not good, and not bad."""
    return {
        "name": f"{metric}: no event",
        "input_series": list(_write_series(watched, rule, CANDIDATE, EventCount(0, 0))),
        "promql_expr_test": [
            {
                "expr": f"{rules.ANSWER}{watched.select()}",
                "eval_time": _write_look(watched),
                "exp_samples": [],
            }
        ],
        "alert_rule_test": list(_expect_silence(watched, metric)),
    }


def _expect_silence(watched: MonitoredStage, metric: str) -> Iterator[Document]:
    yield _expect_alerts(watched, rules.name_bad_alert(metric), [])
    labels = {
        "model": watched.model,
        "stage": watched.stage,
        "metric": metric,
        "severity": "warning",
    }
    alert = {"exp_labels": labels, "exp_annotations": rules.describe_silence(watched, metric)}
    yield _expect_alerts(watched, rules.name_silent_alert(metric), [alert])


def _test_silent_version(watched: MonitoredStage) -> Document:
    """A version whose series ended, while another one goes on."""
    selected = watched.select(f'version="{CANDIDATE}"')
    others = watched.select(f'version="{BASELINE}"')
    labels = {
        "model": watched.model,
        "version": CANDIDATE,
        "stage": watched.stage,
        "severity": "info",
    }
    summary = rules.SILENT_VERSION_SUMMARY.replace("{{ $labels.model }}", watched.model)
    summary = summary.replace("{{ $labels.version }}", CANDIDATE).replace("STAGE", watched.stage)
    alert = {"exp_labels": labels, "exp_annotations": {"summary": summary}}
    return {
        "name": "one version is gone",
        "input_series": [
            {"series": f"{TOTAL}{selected}", "values": "0+10x2 stale"},
            {"series": f"{TOTAL}{others}", "values": f"0+10x{2 * _LOOK}"},
        ],
        "alert_rule_test": [_expect_alerts(watched, rules.SILENT_VERSION, [alert])],
    }
