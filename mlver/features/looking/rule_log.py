"""What `mlver log` tells of the rules of stages."""

from __future__ import annotations

from mlver.features.looking.log_result import LogRule
from mlver.policy.promotion_dates import format_seconds
from mlver.project.audit.record_history import RecordHistory
from mlver.project.audit.rule_changes import find_rule_changes


def list_rules(history: RecordHistory | None, stage: str | None, start: str) -> tuple[LogRule, ...]:
    """List what changed the rule of a stage (of all) from a time on, newest first."""
    if history is None:
        return ()
    stages = None if stage is None else [stage]
    rules: list[LogRule] = []
    for change in find_rule_changes(history, stages):
        created = format_seconds(change.committed)
        # A stage that is new had no rule that could have been any looser or stricter.
        if change.old is None or created < start:
            continue
        rule = LogRule(
            created=created,
            stage=change.stage,
            author=change.author,
            commit=change.commit,
            loosened=change.loosened,
        )
        rules.append(rule)
    return tuple(rules)
