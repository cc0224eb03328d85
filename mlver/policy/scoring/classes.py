"""Accuracy, precision, recall and F1 of answers that are classes.

Of two classes one is the positive one, by name, or `true` or `1`. Of more, or where nothing says
which, precision, recall and F1 are the means over the classes (macro), each 0 where it is 0 by 0,
as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_CLASSES = 10_000
MACRO = "macro"
# Of two classes, the one that is looked for.
_POSITIVE_OF = {frozenset({"0", "1"}): "1", frozenset({"false", "true"}): "true"}


class TooManyClasses(Exception):
    """Nobody tells so many classes apart: these are numbers."""


@dataclass(slots=True)
class _ClassCount:
    """How often a class was answered and was the truth, and how often both at once."""

    answered: int = 0
    true: int = 0
    both: int = 0

    @property
    def precision(self) -> float:
        return self.both / self.answered if self.answered else 0.0

    @property
    def recall(self) -> float:
        return self.both / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        total = self.answered + self.true
        return 2 * self.both / total if total else 0.0


@dataclass(slots=True)
class ClassScores:
    """Counts answers by class; `add` raises TooManyClasses."""

    count: int = 0
    right: int = 0
    _classes: dict[str, _ClassCount] = field(default_factory=dict)

    def add(self, answer: str, truth: str) -> None:
        """Count an answer."""
        self.count += 1
        self._find_class(answer).answered += 1
        self._find_class(truth).true += 1
        if answer == truth:
            self.right += 1
            self._classes[truth].both += 1

    def _find_class(self, name: str) -> _ClassCount:
        found = self._classes.get(name)
        if found is None:
            if len(self._classes) == MOST_CLASSES:
                raise TooManyClasses
            found = self._classes[name] = _ClassCount()
        return found

    @property
    def classes(self) -> frozenset[str]:
        """The classes that were answered or true."""
        return frozenset(self._classes)

    def find_metrics(self, average: str) -> Mapping[str, float]:
        """Find the metrics; `average` is `macro`, or the class that is the positive one."""
        if average == MACRO:
            counted = list(self._classes.values())
        else:
            counted = [self._classes.get(average, _ClassCount())]
        return {
            "accuracy": self.right / self.count,
            "precision": sum(one.precision for one in counted) / len(counted),
            "recall": sum(one.recall for one in counted) / len(counted),
            "f1": sum(one.f1 for one in counted) / len(counted),
        }


def choose_average(classes: frozenset[str]) -> str:
    """Choose the positive class of two that are `0` and `1` or `false` and `true`; else `macro`."""
    for pair, positive in _POSITIVE_OF.items():
        if classes and classes <= pair:
            return positive
    return MACRO
