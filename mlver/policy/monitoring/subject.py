"""What is monitored: a model in a stage, by the settings of verdicts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mlver.policy.proportions import find_quantile, spend_doubt
from mlver.policy.verdict_rule import count_limits
from mlver.records.sections.verdict import BadEventRule, VerdictSettings

TOTAL = "mlver_predictions_total"
BUCKET = "mlver_prediction_seconds_bucket"
# Rules look all the time, and cannot remember at which look they are. Each time they may be wrong
# with the chance of this look of a verdict: simulated, fewer than 3 % of the versions that are as
# good as the others are alarmed of within two hours.
_LOOK = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredStage:
    """A model in a stage, with what says which of its answers are bad."""

    model: str
    stage: str
    settings: VerdictSettings

    @property
    def window(self) -> str:
        """How far back events count, as PromQL writes it."""
        return self.settings.fresh

    @property
    def name(self) -> str:
        """The name that files and groups of rules have."""
        return f"mlver-{self.model}-{self.stage}"

    @property
    def object_name(self) -> str:
        """The same as Kubernetes takes it: in small letters, and unlike that of any other."""
        name = self.name.lower().replace("_", "-")
        if name == self.name:
            return name
        return f"{name[:200]}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"

    @property
    def to_fail(self) -> float:
        """The normal quantile of the interval's end that lets a version fail."""
        return find_quantile(self.doubt)

    @property
    def to_pass(self) -> float:
        """The normal quantile of the interval's end that lets a version pass."""
        return find_quantile(self.doubt / 2)

    @property
    def doubt(self) -> float:
        """The chance of a wrong answer at one evaluation of one limit."""
        return spend_doubt(self.settings.alpha, _LOOK) / count_limits(self.settings)

    def select(self, *matchers: str) -> str:
        """Write the matchers of this model and stage, and others."""
        return "{" + ",".join((f'model="{self.model}"', f'stage="{self.stage}"', *matchers)) + "}"


def match_told(rule: BadEventRule) -> tuple[str, ...]:
    """Match the counters that tell of a metric: those that have its label."""
    assert rule.matcher is not None
    return (f'{rule.matcher.label}!=""',)


def match_bad(rule: BadEventRule) -> tuple[str, ...]:
    """Match the counters of bad events."""
    assert rule.matcher is not None
    assert rule.bad is not None
    return (*match_told(rule), rule.bad)


def match_bound(limit: float) -> str:
    """Match the bucket of a limit in seconds; a number is written in one of two ways."""
    bounds = dict.fromkeys((f"{limit:g}", repr(limit)))
    return 'le=~"' + "|".join(bound.replace(".", "\\\\.") for bound in bounds) + '"'
