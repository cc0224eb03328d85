"""What users said of answers: that they took them or not, or a rating."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from mlver.policy.scoring.answers import read_number

_WORDS = {
    **dict.fromkeys(("accepted", "accept", "true", "yes", "up", "good"), 1.0),
    **dict.fromkeys(("rejected", "reject", "false", "no", "down", "bad"), 0.0),
}


def read_feedback(said: str) -> tuple[str, float] | None:
    """Read what a user said: the metric it counts for, and its value; None where it is neither."""
    word = _WORDS.get(said.lower())
    if word is not None:
        return "accepted", word
    rating = read_number(said)
    return None if rating is None else ("rating", rating)


@dataclass(slots=True)
class FeedbackScores:
    """Sums up what users said; an acceptance and a rating are two things."""

    count: int = 0
    _accepted: float = 0.0
    _words: int = 0
    _ratings: float = 0.0
    _rated: int = 0

    def add(self, said: str) -> None:
        """Count what a user said, where it is anything."""
        read = read_feedback(said)
        if read is None:
            return
        self.count += 1
        metric, value = read
        if metric == "accepted":
            self._words += 1
            self._accepted += value
        else:
            self._rated += 1
            self._ratings += value

    def find_metrics(self) -> Mapping[str, float]:
        """Find the share that was accepted, and the mean rating, as far as anybody said so."""
        metrics: dict[str, float] = {}
        if self._words:
            metrics["accepted"] = self._accepted / self._words
        if self._rated and math.isfinite(self._ratings):
            metrics["rating"] = self._ratings / self._rated
        return metrics
