"""How a stage moves: who holds it, and where a rollback goes."""

from __future__ import annotations

from collections.abc import Sequence

from mlver.records.promotion import PromotionRecord


def stage_holder(history: Sequence[PromotionRecord]) -> str | None:
    """The version that holds a stage after `history` (oldest first).

    None where no version ever held it, and after it was retired.
    """
    holders = list_standing_holders(history)
    return holders[-1] if holders else None


def list_targets(history: Sequence[PromotionRecord]) -> list[str]:
    """The versions that held the stage before the holder, the one to go back to first."""
    return list_standing_holders(history)[-2::-1]


def list_standing_holders(history: Sequence[PromotionRecord]) -> list[str]:
    """The holders that rollbacks go through, the one that holds now last.

    They are a stack: a promotion pushes, a rollback pops down to its target, and a retirement
    empties it. So a second rollback goes one further back, and never forward to the
    version that was just rolled back from.
    """
    holders: list[str] = []
    for record in history:
        match record.action:
            case "promote":
                # After a merge of two branches, a promotion may name the version that holds it.
                if holders[-1:] != [record.version]:
                    holders.append(record.version)
            case "rollback":
                while holders and holders[-1] != record.version:
                    holders.pop()
                if not holders:
                    holders.append(record.version)
            case "retire":
                holders.clear()
    return holders
