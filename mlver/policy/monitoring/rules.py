"""Rules for Prometheus: what is counted of each version, what it says, and who is told.

They go by the same counts, intervals and limits as a verdict, of the last minutes instead of all
events since a version began to serve. A version is compared with all others of its stage.
`mlver:answer` is 1 where a limit fails, -1 where it passes, 0 where it is not sure; it has no value
where events are missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mlver.policy.monitoring import subject
from mlver.policy.monitoring.subject import MonitoredStage
from mlver.policy.verdict_rule import LEAST_BAD, list_limits
from mlver.records.sections.verdict import BadEventRule
from mlver.records.values import Document
from mlver.records.verdict import VerdictLimit

EVENTS, BAD = "mlver:events:increase", "mlver:bad_events:increase"
SHARE = "mlver:bad_share:ratio"
SHARE_LOW, SHARE_HIGH = "mlver:bad_share:low", "mlver:bad_share:high"
OTHER_EVENTS, OTHER_BAD = "mlver:other_events:increase", "mlver:other_bad_events:increase"
OTHER_SHARE = "mlver:other_bad_share:ratio"
OTHER_LOW, OTHER_HIGH = "mlver:other_bad_share:low", "mlver:other_bad_share:high"
DIFFERENCE = "mlver:bad_share:difference"
DIFFERENCE_LOW, DIFFERENCE_HIGH = (
    "mlver:bad_share:difference_low",
    "mlver:bad_share:difference_high",
)
ANSWER = "mlver:answer"
SILENT_VERSION = "MlverVersionSilent"
SILENT_VERSION_SUMMARY = (
    "{{ $labels.model }} {{ $labels.version }} in STAGE is counted no more: it was withdrawn, or"
    " it is dead"
)
# A baseline that is broken itself tells nothing; the rule of verdicts says the same.
_BROKEN = 0.5
_DIGITS = 12


def build_groups(watched: MonitoredStage) -> list[Document]:
    """Build the groups of rules of a stage: one, as its rules are evaluated in their order."""
    rules: list[Document] = []
    for metric, rule in watched.settings.metrics.items():
        rules += _record_metric(watched, metric, rule)
        rules += _alert_metric(watched, metric, rule)
    rules.append(_alert_silent_version(watched))
    return [{"name": watched.name, "rules": rules}]


def name_bad_alert(metric: str) -> str:
    """Name the alert that acts."""
    return f"MlverBad{metric[0].upper()}{metric[1:]}"


def name_silent_alert(metric: str) -> str:
    """Name the alert that says that nothing is counted."""
    return f"MlverSilent{metric[0].upper()}{metric[1:]}"


# -- what is recorded ------------------------------------------------------------------------------


def _record_metric(watched: MonitoredStage, metric: str, rule: BadEventRule) -> Iterator[Document]:
    selected = watched.select(f'metric="{metric}"')
    for name, expression in _list_recorded(watched, rule):
        labels: Document = {"metric": metric}
        yield {"record": name, "expr": expression.replace("SELECTED", selected), "labels": labels}
    for limit, allowed in list_limits(watched.settings, metric):
        answer = _write_answer(watched, limit, allowed).replace("SELECTED", selected)
        yield {"record": ANSWER, "expr": answer, "labels": {"metric": metric, "limit": limit}}


def _list_recorded(watched: MonitoredStage, rule: BadEventRule) -> Iterator[tuple[str, str]]:
    yield EVENTS, _write_events(watched, rule)
    yield BAD, _write_bad(watched, rule)
    yield SHARE, f"clamp({BAD}SELECTED / {EVENTS}SELECTED, 0, 1)"
    # Of the other versions, only those count whose bad events are counted as well.
    counted = f"({EVENTS}SELECTED and {BAD}SELECTED)"
    yield OTHER_EVENTS, _write_others(counted, EVENTS)
    yield OTHER_BAD, _write_others(f"{BAD}SELECTED", BAD)
    yield OTHER_SHARE, f"clamp({OTHER_BAD}SELECTED / {OTHER_EVENTS}SELECTED, 0, 1)"
    yield SHARE_LOW, _write_wilson(SHARE, EVENTS, watched.to_fail, "-")
    yield SHARE_HIGH, _write_wilson(SHARE, EVENTS, watched.to_pass, "+")
    if rule.margin is None:
        return
    yield OTHER_LOW, _write_wilson(OTHER_SHARE, OTHER_EVENTS, watched.to_pass, "-")
    yield OTHER_HIGH, _write_wilson(OTHER_SHARE, OTHER_EVENTS, watched.to_fail, "+")
    yield DIFFERENCE, f"{SHARE}SELECTED - {OTHER_SHARE}SELECTED"
    yield DIFFERENCE_LOW, _write_newcombe("-", SHARE_LOW, OTHER_HIGH)
    yield DIFFERENCE_HIGH, _write_newcombe("+", SHARE_HIGH, OTHER_LOW)


def _write_events(watched: MonitoredStage, rule: BadEventRule) -> str:
    if rule.limit_seconds is not None:
        return _write_increase(watched, subject.BUCKET, 'le="+Inf"')
    return _write_increase(watched, subject.TOTAL, *subject.match_told(rule))


def _write_bad(watched: MonitoredStage, rule: BadEventRule) -> str:
    if rule.limit_seconds is None:
        return _write_increase(watched, subject.TOTAL, *subject.match_bad(rule))
    within = _write_increase(watched, subject.BUCKET, subject.match_bound(rule.limit_seconds))
    return f"{_write_events(watched, rule)}\n- {within}"


def _write_increase(watched: MonitoredStage, counter: str, *matchers: str) -> str:
    increase = f"increase({counter}{watched.select(*matchers)}[{watched.window}])"
    return f"sum by (model, version, stage) ({increase})"


def _write_others(all_of_them: str, own: str) -> str:
    return (
        f"sum without (version) ({all_of_them}) - ignoring (version) group_right () {own}SELECTED"
    )


def _write_wilson(share: str, events: str, quantile: float, sign: str) -> str:
    """Write an end of Wilson's interval, as `mlver.policy.proportions` has it."""
    z, squared = round(quantile, _DIGITS), round(quantile * quantile, _DIGITS)
    p, n = f"{share}SELECTED", f"{events}SELECTED"
    half = f"{z} * sqrt({p} * (1 - {p}) / {n} + {squared} / (4 * {n} * {n}))"
    return (
        f"clamp((\n  {p} + {squared} / (2 * {n})\n  {sign} {half}\n) / (1 + {squared} / {n}), 0, 1)"
    )


def _write_newcombe(sign: str, own_end: str, other_end: str) -> str:
    """Write an end of Newcombe's interval of the difference, from ends of the two by Wilson."""
    own = f"({SHARE}SELECTED - {own_end}SELECTED) ^ 2"
    other = f"({OTHER_SHARE}SELECTED - {other_end}SELECTED) ^ 2"
    return f"clamp(\n  {DIFFERENCE}SELECTED\n  {sign} sqrt({own} + {other}),\n-1, 1)"


def _write_answer(watched: MonitoredStage, limit: VerdictLimit, allowed: float) -> str:
    least = watched.settings.min
    enough = f"{EVENTS}SELECTED >= {least}"
    worse = f"{SHARE_LOW}SELECTED > {allowed!r}"
    good = f"{SHARE_HIGH}SELECTED <= {allowed!r}"
    if limit == "margin":
        enough += f" and {OTHER_EVENTS}SELECTED >= {least}"
        worse = f"{DIFFERENCE_LOW}SELECTED > 0 and {DIFFERENCE}SELECTED > {allowed!r}"
        good = f"{DIFFERENCE_HIGH}SELECTED <= {allowed!r}"
    enough = f"({enough} unless {OTHER_SHARE}SELECTED > {_BROKEN})"
    many = f"{BAD}SELECTED >= {LEAST_BAD}"
    return (
        f"({worse} and {many} and {enough}) * 0 + 1\n"
        f"or ({good} and {enough}) * 0 - 1\n"
        f"or {enough} * 0"
    )


# -- who is told -----------------------------------------------------------------------------------


def _alert_metric(watched: MonitoredStage, metric: str, rule: BadEventRule) -> Iterator[Document]:
    for limit, _ in list_limits(watched.settings, metric):
        yield _alert_bad(watched, metric, limit)
    missing = f"max by (model, stage) (absent_over_time({_select_bad(watched, rule)}))"
    idle = f"sum by (model, stage) ({EVENTS}{watched.select(_match(metric))}) == 0"
    yield {
        "alert": name_silent_alert(metric),
        "expr": f"{missing}\nor {idle}",
        "labels": {"severity": "warning", "metric": metric},
        "annotations": describe_silence(watched, metric),
    }


def describe_silence(watched: MonitoredStage, metric: str) -> Document:
    """Describe what it means that nothing is counted."""
    return {
        "summary": f"Nothing tells of {metric} of {watched.model} in {watched.stage}",
        "description": "Nobody knows whether it is good or bad. Nothing is rolled back by this"
        " alert: find out why nothing is counted.",
    }


def _match(metric: str) -> str:
    return f'metric="{metric}"'


def _select_bad(watched: MonitoredStage, rule: BadEventRule) -> str:
    """Select the series without which nobody knows of bad events."""
    if rule.limit_seconds is None:
        selected = f"{subject.TOTAL}{watched.select(*subject.match_bad(rule))}"
    else:
        bound = subject.match_bound(rule.limit_seconds)
        selected = f"{subject.BUCKET}{watched.select(bound)}"
    return f"{selected}[{watched.window}]"


def _alert_bad(watched: MonitoredStage, metric: str, limit: VerdictLimit) -> Document:
    selected = watched.select(_match(metric))
    matchers = (_match(metric), f'limit="{limit}"')
    answer = f"{ANSWER}{watched.select(*matchers)}"
    expression = f"{SHARE}{selected}\nand on (model, version, stage, metric) {answer} == 1"
    if limit == "margin":
        # A version that served before the window began is what the candidate is compared with.
        before = f"{EVENTS}{selected} offset {watched.settings.window}"
        expression += f"\nunless on (model, version, stage) {before}"
    labels: dict[str, Any] = {"severity": "critical", "limit": limit, "mlver_action": "rollback"}
    return {
        "alert": name_bad_alert(metric),
        "expr": expression,
        "labels": labels,
        "annotations": {
            "summary": f"{{{{ $labels.model }}}} {{{{ $labels.version }}}} in {watched.stage}:"
            f" {{{{ $value | humanizePercentage }}}} of its answers are bad by {metric} ({limit})",
        },
    }


def _alert_silent_version(watched: MonitoredStage) -> Document:
    """Tell of a version that was there and is not, while others of its stage are."""
    counter = f"{subject.TOTAL}{watched.select()}"
    by = "count by (model, version, stage)"
    before = f"{by} (count_over_time({counter}[{watched.settings.window}]))"
    now = f"{by} (count_over_time({counter}[{watched.window}]))"
    return {
        "alert": SILENT_VERSION,
        "expr": f"{before}\nunless {now}",
        "labels": {"severity": "info"},
        "annotations": {"summary": SILENT_VERSION_SUMMARY.replace("STAGE", watched.stage)},
    }
