"""Shares of a stage's traffic: which are possible, when a rollout is open, and what shares there
were when.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlver.digest import Digest
from mlver.policy.stage_policy import StagePolicy
from mlver.policy.time_windows import TimeWindow
from mlver.records.promotion import PromotionRecord
from mlver.records.references import VersionReference
from mlver.records.rollout import RolloutRecord, RolloutStrategy

ALL = 100
# A rollout of these is open although its candidate answers nothing: it runs beside the others.
_OPEN_AT_NOTHING: frozenset[RolloutStrategy] = frozenset(("shadow", "blue-green"))

_HEADER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")

DigestedRollout = tuple[RolloutRecord, Digest]


def find_share_fault(strategy: str, share: float, header: str | None) -> str | None:
    """Say why no rollout of this strategy has such a share; None where one may."""
    if not 0 <= share <= ALL:
        return f"a share is 0 to {ALL} percent of the traffic, and {share:g} is not"
    if strategy == "shadow" and share:
        return "a shadow answers nothing, so its share is 0: it sees every request"
    if strategy == "blue-green" and share not in (0, ALL):
        return f"blue-green gives the candidate all of the traffic or none: 0 or {ALL}"
    if strategy == "ab" and header is None:
        return "ab is sticky by a header, and none is named"
    if strategy != "ab" and header is not None:
        return f"only ab is sticky by a header, and this is {strategy}"
    if header is not None and not _HEADER.fullmatch(header):
        return "the name of a header is letters, digits and `-`, such as X-User-Id"
    return None


def ends_rollout(strategy: RolloutStrategy, share: float) -> bool:
    """Say whether a candidate with such a share is served no more."""
    return share == 0 and strategy not in _OPEN_AT_NOTHING


def omit_verdict(policy: StagePolicy) -> StagePolicy:
    """Leave out the gate that asks how a version did in use: it comes to be used only now."""
    rule = {name: setting for name, setting in policy.rule.items() if name != "verdict"}
    return replace(policy, rule=rule)


def find_open(
    rollouts: Sequence[DigestedRollout],
    promotions: Iterable[PromotionRecord],
    holder: VersionReference | None,
) -> DigestedRollout | None:
    """Find the rollout of a stage that is open, if any.

    It is the last one, unless it was withdrawn, a promotion of the stage closed it, or the stage
    came to hold another version than the one that it shares the traffic with.
    """
    if not rollouts:
        return None
    record, digest = rollouts[-1]
    if record.action == "withdraw" or record.baseline != holder:
        return None
    moves = list(promotions)
    if any(promotion.rollout == digest for promotion in moves):
        return None
    # One that was left out of the promotion that ended it does not come back by a rollback.
    if _find_overtaking(record, moves) is not None:
        return None
    return record, digest


@dataclass(frozen=True, slots=True)
class ShareHolding:
    """What share a candidate had from one record to the next; `until` is None for the last."""

    record: RolloutRecord
    since: str
    until: str | None


def list_shares(
    rollouts: Sequence[DigestedRollout], promotions: Sequence[PromotionRecord], window: TimeWindow
) -> list[ShareHolding]:
    """List the shares that candidates of a stage had at any time in `window`, oldest first.

    `rollouts` and `promotions` are those of one stage, oldest first.
    """
    closings = _find_closings(promotions)
    shares: list[ShareHolding] = []
    since = ""
    for place, (record, digest) in enumerate(rollouts):
        since = max(since, record.created)
        until = closings.get(digest, _find_overtaking(record, promotions))
        if place + 1 < len(rollouts):
            following = max(since, rollouts[place + 1][0].created)
            until = following if until is None else min(until, following)
        if record.action == "withdraw" or since >= window.end:
            continue
        # One that lasted less than a second was there as well.
        if until is None or until > window.start or since >= window.start:
            shares.append(ShareHolding(record, since, until))
    return shares


def _find_closings(promotions: Iterable[PromotionRecord]) -> Mapping[Digest, str]:
    """Find when promotions closed rollouts, by the digest of each."""
    closings: dict[Digest, str] = {}
    for promotion in promotions:
        if promotion.rollout is not None:
            closings.setdefault(promotion.rollout, promotion.created)
    return closings


def _find_overtaking(record: RolloutRecord, promotions: Iterable[PromotionRecord]) -> str | None:
    """Find when another version than the baseline came to hold the stage after a rollout."""
    for promotion in promotions:
        held = VersionReference(promotion.version, promotion.record)
        is_other = promotion.action == "retire" or held != record.baseline
        if promotion.created > record.created and is_other:
            return promotion.created
    return None


def find_sequence_fault(record: RolloutRecord, before: RolloutRecord | None) -> str | None:
    """Say why a rollout cannot follow the one before it; None where it can.

    One that a merge renumbered was made after another one.
    """
    if record.renumbered is not None:
        return None
    if record.action == "open":
        return None
    if before is None or before.action == "withdraw":
        return f"says `{record.action}`, and no rollout was open"
    if (before.version, before.record) != (record.version, record.record):
        return f"goes on with {record.version}, and the rollout was of {before.version}"
    if before.baseline != record.baseline:
        return f"shares with {record.baseline.version}, and the rollout did with another version"
    return None
