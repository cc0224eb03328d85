"""The categories of two columns side by side, where only the most frequent ones are known."""

from __future__ import annotations

from dataclasses import dataclass

from mlver.records.profile import ColumnProfile


@dataclass(frozen=True, slots=True)
class _CountedCategories:
    """The categories of one side; `others` values are of categories that are not listed."""

    counts: dict[str, int]
    total: int
    others: int

    @classmethod
    def read_from(cls, column: ColumnProfile) -> _CountedCategories:
        counts = dict(column.categories)
        return cls(counts, column.count, column.count - sum(counts.values()))

    def find_count(self, name: str, other_share: float) -> float:
        """How many values are of a category, of which the other side has such a share.

        One that is not listed has no more values than the last that is, and no more than are left:
        within these bounds it is taken to be as frequent as on the other side.
        """
        if name in self.counts:
            return self.counts[name]
        most = min(self.others, min(self.counts.values(), default=0))
        return min(most, other_share * self.total)


def pair_categories(old: ColumnProfile, new: ColumnProfile) -> tuple[list[float], list[float]]:
    """Count the values of both columns by category, and last of all those of any other one.

    The result never makes two columns differ more than they do.
    """
    before, after = _CountedCategories.read_from(old), _CountedCategories.read_from(new)
    names = list(dict.fromkeys([*before.counts, *after.counts]))
    old_counts = [
        before.find_count(name, after.counts.get(name, 0) / after.total) for name in names
    ]
    new_counts = [
        after.find_count(name, before.counts.get(name, 0) / before.total) for name in names
    ]
    old_others = max(before.total - sum(old_counts), 0.0)
    new_others = max(after.total - sum(new_counts), 0.0)
    if old_others or new_others:
        old_counts.append(old_others)
        new_counts.append(new_others)
    return old_counts, new_counts
