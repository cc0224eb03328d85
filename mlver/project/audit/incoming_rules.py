"""The rules that promotions come in with, beside those of the commit that they are to land on."""

from __future__ import annotations

from collections.abc import Iterator

from mlver.findings import Finding
from mlver.policy.looser import list_loosenings
from mlver.policy.promotion_rules import list_missing_gates
from mlver.policy.stage_policy import StagePolicy
from mlver.project.audit.incoming import IncomingChanges
from mlver.project.audit.named_policies import NamedPolicies
from mlver.project.audit.record_authors import report
from mlver.project.history.policies import (
    NO_SETTINGS,
    CommittedSettings,
    parse_settings,
    read_settings,
)
from mlver.records import layout
from mlver.records.promotion import PromotionRecord


def read_base(incoming: IncomingChanges) -> CommittedSettings:
    """Read the settings of the commit that everything is to land on."""
    if incoming.base is None:
        return NO_SETTINGS
    return read_settings(incoming.project.repository, [incoming.base])[incoming.base]


def read_brought(incoming: IncomingChanges) -> CommittedSettings:
    """Read the settings that would come in beside the promotions."""
    entry = incoming.record_tree.entries.get(layout.CONFIG)
    if entry is None:
        return NO_SETTINGS
    parsed = parse_settings(incoming.project.repository, [entry.object_id])
    return parsed.get(entry.object_id, NO_SETTINGS)


def compare_with_base(
    incoming: IncomingChanges,
    policies: NamedPolicies,
    base: CommittedSettings,
    record: PromotionRecord,
) -> Iterator[Finding]:
    """Refuse a promotion that was judged by less than it is to land on asks for.

    One that was forced may come with no rule that asks for less either: whether it was forced past
    the one or the other, nobody could tell later.
    """
    rule = base.find_policy(record.stage)
    if record.action != "promote" or rule is None or incoming.base is None:
        return
    shown = incoming.base[:10]
    loosenings = _find_judged_by_less(incoming, policies, record, rule)
    if loosenings:
        words = f"was judged by a rule looser than that of {shown}, on which it is to land"
        yield report(record, "policy", f"{words}: {'; '.join(loosenings)}")
    elif record.forced:
        loosenings = _find_brought(incoming, policies, record, rule)
        if loosenings:
            words = f"was forced, and comes with a rule looser than that of {shown}"
            yield report(record, "policy", f"{words}: {'; '.join(loosenings)}")


def _find_judged_by_less(
    incoming: IncomingChanges, policies: NamedPolicies, record: PromotionRecord, rule: StagePolicy
) -> tuple[str, ...]:
    proof = policies.prove_reference(record)
    # Without a rule, a promotion was judged by less than any rule asks for.
    policy = proof.policy
    if policy is None and (proof.fault is not None or policies.history.incomplete):
        return ()
    # A commit that is made here may come before a push of the rule that both branches have.
    if incoming.tip is None and not list_missing_gates(record, rule):
        return ()
    return list_loosenings(policy, rule)


def _find_brought(
    incoming: IncomingChanges, policies: NamedPolicies, record: PromotionRecord, rule: StagePolicy
) -> tuple[str, ...]:
    """Find what the settings that come in with a promotion, or after it, ask less than a rule."""
    history = policies.history
    brought = [read_brought(incoming).find_policy(record.stage)]
    for entry in history.additions.get(record.record_path, ()):
        found = policies.find_rule(history.states[entry.commit], record.stage)
        brought.append(None if found is None else found[0])
    return next(filter(None, (list_loosenings(policy, rule) for policy in brought)), ())
