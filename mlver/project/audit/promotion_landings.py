"""The commits that brought a promotion to where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.git.commit_log import CommitEntry
from mlver.policy.promotion_dates import CLOCK_TOLERANCE_S, count_seconds
from mlver.project.audit.record_authors import list_landings
from mlver.project.audit.record_history import RecordHistory
from mlver.records.promotion import PromotionRecord


@dataclass(frozen=True, slots=True)
class PromotionLandings:
    """`all` are the commits that added a promotion, here or under the number it had before.

    `made` are those that made it: what one of them has, a promoter knew. Of a promotion that a
    merge renumbered, the merge is none of them.
    """

    all: Sequence[CommitEntry]
    made: Sequence[CommitEntry]


@dataclass(frozen=True, slots=True)
class LandingFinder:
    """Finds what brought promotions, and what had landed by then.

    `originals` are the commits that added those which a merge renumbered since.
    """

    history: RecordHistory
    originals: Mapping[str, Sequence[CommitEntry]]

    def find(self, record: PromotionRecord) -> PromotionLandings:
        landings = list_landings(self.history, self.originals, record)
        if record.renumbered is None:
            return PromotionLandings(landings, landings)
        # Where nothing shows the merge, nobody can tell what was known.
        return PromotionLandings(landings, self.originals.get(record.record_path, ()))

    def was_before(self, path: str, record: PromotionRecord) -> bool | None:
        """Say whether a record landed before a promotion, or with it; None if nobody can tell."""
        return self.history.was_before(path, self.find(record).all)

    def was_known(self, path: str, record: PromotionRecord) -> bool:
        """Say whether who made a promotion had a record, without a doubt."""
        made = self.find(record).made
        return not is_replayed(record, made) and bool(self.history.was_before(path, made))


def is_replayed(record: PromotionRecord, made: Sequence[CommitEntry]) -> bool:
    """Say whether a rebase may have put a promotion behind records that it has not seen."""
    times = [entry.committed or 0 for entry in made]
    return min(times, default=0) > count_seconds(record.created) + CLOCK_TOLERANCE_S
