"""Mean absolute error, root mean squared error and R² of answers that are numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class NumberScores:
    """Sums up errors; the variance of the truth by Welford's method, which cancels nothing."""

    count: int = 0
    _absolute: float = 0.0
    _squared: float = 0.0
    _mean: float = 0.0
    _spread: float = 0.0

    def add(self, answer: float, truth: float) -> None:
        """Count an answer."""
        self.count += 1
        error = answer - truth
        self._absolute += abs(error)
        self._squared += error * error
        before = truth - self._mean
        self._mean += before / self.count
        self._spread += before * (truth - self._mean)

    def find_metrics(self) -> Mapping[str, float]:
        """Find the metrics that are finite; R² (`r2`) needs a truth that varies."""
        metrics = {
            "mae": self._absolute / self.count,
            "rmse": math.sqrt(self._squared / self.count),
        }
        if self._spread > 0:
            metrics["r2"] = 1 - self._squared / self._spread
        return {name: value for name, value in metrics.items() if math.isfinite(value)}
