"""Promotions by the version that they are of, and stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlver.digest import Digest
from mlver.project.history.stage_history import StageHistory
from mlver.records.promotion import PromotionRecord


@dataclass(frozen=True, slots=True)
class PromotionIndex:
    """The promotions of each version record to each stage, and each stage's own, oldest first.

    The keys of `moves` are a model, a stage, a version and the digest of its record; those of
    `chains` are a model and a stage.
    """

    moves: Mapping[tuple[str, str, str, Digest], Sequence[PromotionRecord]]
    chains: Mapping[tuple[str, str], Sequence[PromotionRecord]]

    def list_moves(self, record: PromotionRecord, stage: str) -> Sequence[PromotionRecord]:
        """List the promotions to `stage` of the version that a promotion is of."""
        return self.moves.get((record.model, stage, record.version, record.record), ())


def index_promotions(chains: Sequence[StageHistory]) -> PromotionIndex:
    moves: dict[tuple[str, str, str, Digest], list[PromotionRecord]] = {}
    stages: dict[tuple[str, str], list[PromotionRecord]] = {}
    for chain in chains:
        for record, _ in chain:
            stages.setdefault((record.model, record.stage), []).append(record)
            # A retirement names the version that it takes the stage from.
            if record.action != "retire":
                key = (record.model, record.stage, record.version, record.record)
                moves.setdefault(key, []).append(record)
    return PromotionIndex(moves, stages)
