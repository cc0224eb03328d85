"""How far the answers of two versions to the same requests agree."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

from mlver.policy.scoring.classes import MOST_CLASSES, TooManyClasses
from mlver.policy.statistics import find_mcnemar

_BINARY = 2
# The exact value of more takes long, and this one agrees with it to three digits.
_MOST_EXACT = 10_000


@dataclass(slots=True)
class ClassAgreement:
    """Counts pairs of classes; `add` raises TooManyClasses."""

    count: int = 0
    agreed: int = 0
    changes: Counter[tuple[str, str]] = field(default_factory=Counter)
    _classes: set[str] = field(default_factory=set)

    def add(self, logged: str, replayed: str) -> None:
        """Count a request that both answered."""
        self.count += 1
        self._classes.update((logged, replayed))
        if logged == replayed:
            self.agreed += 1
            return
        self.changes[logged, replayed] += 1
        if len(self.changes) > MOST_CLASSES:
            raise TooManyClasses

    def find_p(self) -> float | None:
        """Find the probability of as uneven changes by chance, of two classes (McNemar)."""
        if len(self._classes) != _BINARY:
            return None
        first, second = sorted(self._classes)
        return find_uneven_p(self.changes[first, second], self.changes[second, first])

    def find_metrics(self) -> Mapping[str, float]:
        return {"agreement": self.agreed / self.count} if self.count else {}


@dataclass(slots=True)
class RightAnswers:
    """Counts requests whose truth is known by who was right.

    `lost` are those that only the logged answer had right, and `won` those that only the replayed
    one had.
    """

    count: int = 0
    both: int = 0
    lost: int = 0
    won: int = 0

    def add(self, logged: str, replayed: str, truth: str) -> None:
        """Count a request."""
        self.count += 1
        was_right, is_right = logged == truth, replayed == truth
        self.both += was_right and is_right
        self.lost += was_right and not is_right
        self.won += is_right and not was_right


def find_uneven_p(lost: int, won: int) -> float:
    """Find McNemar's two-sided p-value: the exact one, or of very many the corrected normal one."""
    changes = lost + won
    if changes <= _MOST_EXACT:
        return find_mcnemar(lost, won)
    distance = max(0, abs(lost - won) - 1) / math.sqrt(changes)
    return 2 * NormalDist().cdf(-distance)


@dataclass(slots=True)
class NumberAgreement:
    """Sums up how far numbers are apart."""

    count: int = 0
    agreed: int = 0
    largest: float = 0.0
    _total: float = 0.0

    def add(self, logged: float, replayed: float) -> None:
        """Count a request that both answered."""
        self.count += 1
        self.agreed += logged == replayed
        difference = abs(logged - replayed)
        self._total += difference
        self.largest = max(self.largest, difference)

    def find_metrics(self) -> Mapping[str, float]:
        if not self.count:
            return {}
        found = {"mean_difference": self._total / self.count, "largest_difference": self.largest}
        metrics = {"agreement": self.agreed / self.count, **found}
        return {name: value for name, value in metrics.items() if math.isfinite(value)}
