"""Since when a version had held a stage when it was promoted to another: for the gate `hold`.

Only what cannot have been is told: what landed elsewhere meanwhile, nobody could know of.
"""

from __future__ import annotations

from dataclasses import dataclass

from mlver.policy.promotion_dates import count_seconds
from mlver.project.audit.promotion_index import PromotionIndex
from mlver.project.audit.promotion_landings import LandingFinder
from mlver.records.promotion import PromotionRecord


@dataclass(frozen=True, slots=True)
class Holding:
    """Since when a version can have held a stage at the most, in seconds since 1970.

    None where it did not hold it any more: another version had come, or the stage was emptied.
    """

    since: int | None


@dataclass(frozen=True, slots=True)
class HeldStages:
    """Finds what a stage held when promotions to another were made."""

    index: PromotionIndex
    landings: LandingFinder

    def find_holding(self, record: PromotionRecord, stage: str) -> Holding | None:
        """Find since when the version of a promotion had held `stage`; None if it never came there.

        What took the stage from it before the promotion was made ends what it held until then.
        """
        moves = self.index.list_moves(record, stage)
        if not moves:
            return None
        own = {promotion.sequence for promotion in moves}
        since: int | None = None
        # Most of what came later is told by its date alone.
        for promotion in reversed(self.index.chains.get((record.model, stage), ())):
            if promotion.sequence in own:
                if self._may_be_known(promotion, record):
                    since = self._find_arrival(promotion)
            elif self._is_known(promotion, record):
                break
        return Holding(since)

    def _find_arrival(self, promotion: PromotionRecord) -> int:
        times = [entry.committed for entry in self.landings.find(promotion).all]
        known = [time for time in times if time is not None]
        return min(known, default=count_seconds(promotion.created))

    def _may_be_known(self, promotion: PromotionRecord, record: PromotionRecord) -> bool:
        """Say whether a promotion may have been there when `record` was made."""
        return self.landings.was_before(promotion.record_path, record) is not False

    def _is_known(self, promotion: PromotionRecord, record: PromotionRecord) -> bool:
        """Say whether a promotion was there when `record` was made, without a doubt."""
        is_older = promotion.created < record.created
        return is_older and self.landings.was_known(promotion.record_path, record)
