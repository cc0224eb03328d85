"""Promotions that were judged by an older rule than the one that they landed on.

One that was made on a branch, before the main branch's rule became stricter, is none of a forger's:
it lost a race. Only what is in history tells the two apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlver.git.commit_log import CommitEntry
from mlver.policy.looser import is_looser
from mlver.policy.promotion_dates import LONGEST_WAIT_S, count_seconds
from mlver.policy.stage_policy import StagePolicy
from mlver.project.audit.named_policies import NamedPolicies
from mlver.project.audit.record_history import RecordHistory
from mlver.records import layout
from mlver.records.promotion import PromotionRecord


def is_race(
    policies: NamedPolicies, record: PromotionRecord, policy: StagePolicy, landing: CommitEntry
) -> bool:
    """Say whether the rule became stricter only after a promotion had been made.

    The rule of the branch that it landed on counts, as it was by the promotion's date: a change of
    the rule may be older than the merge that brought it there.
    """
    history = policies.history
    if _follows_other(history, record, landing):
        return False
    created = count_seconds(record.created)
    arrival: CommitEntry | None = None
    was_looser = False
    for entry in _list_line(history, landing):
        if history.states[entry.commit] in history.lacking:
            return True  # nobody can tell here
        is_strict = _is_stricter(policies, record.stage, policy, entry)
        if is_strict and not was_looser:
            arrival = entry
        was_looser = was_looser or not is_strict
        if (entry.committed or 0) <= created:
            if is_strict:
                return False
            break
    if arrival is None:
        return False
    if len(arrival.parents) < 2:
        return True
    brought = _list_brought(policies, record.stage, policy, arrival)
    waited = [created - (entry.committed or 0) for entry in brought]
    if max(waited, default=0) > LONGEST_WAIT_S:
        return False
    return not _came_with_prior(history, record, brought, landing, arrival)


def _follows_other(history: RecordHistory, record: PromotionRecord, landing: CommitEntry) -> bool:
    """Say whether another record had a promotion's number before it landed, on the same branch.

    So it was made there, after that was taken back: whoever lost a race found the number free.
    """
    if len(landing.parents) > 1:
        return False  # the merge chose between two that came by ways of their own
    own = history.additions.get(record.record_path, ())
    for _, entry in history.earlier.get(record.record_path, ()):
        if entry not in own and history.is_before(entry, landing):
            return True
    return False


def _list_line(history: RecordHistory, landing: CommitEntry) -> Iterator[CommitEntry]:
    """List the first parents before a commit, newest first."""
    current = landing
    while current.parents and current.parents[0] in history.entries:
        current = history.entries[current.parents[0]]
        yield current


def _is_stricter(
    policies: NamedPolicies, stage: str, policy: StagePolicy, entry: CommitEntry
) -> bool:
    rule = policies.find_rule(policies.history.states[entry.commit], stage)
    return rule is not None and is_looser(policy, rule[0])


def _list_brought(
    policies: NamedPolicies, stage: str, policy: StagePolicy, merge: CommitEntry
) -> list[CommitEntry]:
    """List the commits with a stricter rule that a merge brought to its first parent."""
    history = policies.history
    ground = history.entries.get(merge.parents[0])
    brought: list[CommitEntry] = []
    for entry in history.entries.values():
        if layout.CONFIG not in entry.contents or entry.commit == merge.commit:
            continue
        if not history.is_before(entry, merge):
            continue
        if ground is not None and history.is_before(entry, ground):
            continue
        if _is_stricter(policies, stage, policy, entry):
            brought.append(entry)
    return brought


def _came_with_prior(
    history: RecordHistory,
    record: PromotionRecord,
    brought: Sequence[CommitEntry],
    landing: CommitEntry,
    arrival: CommitEntry,
) -> bool:
    """Say whether the promotion before came to the branch together with the stricter rule.

    The author of a promotion after it had both.
    """
    for prior in _list_prior_landings(history, record):
        if prior.commit == landing.commit or not history.is_before(prior, arrival):
            continue
        if any(history.is_before(entry, prior) for entry in brought):
            return True
    return False


def _list_prior_landings(history: RecordHistory, record: PromotionRecord) -> Sequence[CommitEntry]:
    """List the commits that added the promotion before; none where a merge put another there."""
    if record.sequence == 1 or record.renumbered is not None:
        return ()
    return history.additions.get(record.locate(record.sequence - 1), ())


def lacks_prior(history: RecordHistory, record: PromotionRecord) -> bool:
    """Say whether a promotion was added where the promotion that it follows was not.

    So nobody made it there: its branch begins at a commit, and maybe at a rule, of before.
    """
    priors = _list_prior_landings(history, record)
    if record.action != "promote" or not priors or history.incomplete:
        return False
    landings = history.additions.get(record.record_path, ())
    for landing in landings:
        if any(history.is_before(prior, landing) for prior in priors):
            return False
    return bool(landings)
